"""Streaks and what protects them, for learners and for operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
from practice.stats.v1 import streak_pb2
from practice.stats.v1 import streak_service_pb2 as pb
from practice.stats.v1 import streak_service_pb2_grpc as rpc

from service_kit.call import current_call
from service_kit.paging import PageRequest
from stats_service.adapters.grpc.converters import (
    date_from_proto,
    entry_to_proto,
    freeze_change_to_proto,
    pause_to_proto,
    required_date_from_proto,
    rest_days_to_proto,
    streaks_to_proto,
    weekdays_from_proto,
)
from stats_service.adapters.grpc.page_places import (
    place_in,
    place_to_position,
    read_day,
    read_id,
    read_instant,
    read_text,
)
from stats_service.application.streak_commands import (
    BuyFreeze,
    CancelPause,
    GrantFreeze,
    PlanPause,
    RepairStreak,
    SetRestDays,
)
from stats_service.application.streak_queries import (
    GetFreezes,
    GetStreaks,
    ListPauses,
    ListRestDays,
    ListStreakEntries,
    entry_place,
    pause_place,
)

Context = grpc.aio.ServicerContext[Any, Any]

_DEFAULT_PAGE = 50


@dataclass(frozen=True, slots=True)
class UseCases:
    """What learners do about their streaks."""

    get_streaks: GetStreaks
    list_rest_days: ListRestDays
    set_rest_days: SetRestDays
    list_pauses: ListPauses
    plan_pause: PlanPause
    cancel_pause: CancelPause
    get_freezes: GetFreezes
    buy_freeze: BuyFreeze


class StreakServicer(rpc.StreakServiceServicer):
    """Implements practice.stats.v1.StreakService."""

    def __init__(self, use_cases: UseCases, *, freeze_limit: int) -> None:
        self._use = use_cases
        self._freeze_limit = freeze_limit

    async def GetStreaks(self, request: pb.GetStreaksRequest, context: Context) -> pb.GetStreaksResponse:
        """Returns the caller's streaks."""
        call = current_call()
        told = await self._use.get_streaks(
            call.user_id, min_user_seq=request.min_user_seq, time_zone=call.time_zone
        )
        return pb.GetStreaksResponse(
            streaks=[streaks_to_proto(product, streaks) for product, streaks in told.streaks.items()],
            as_of_date=told.as_of.isoformat(),
            freeze_limit=self._freeze_limit,
            pending=told.pending,
        )

    async def ListRestDays(
        self, request: pb.ListRestDaysRequest, context: Context
    ) -> pb.ListRestDaysResponse:
        """Lists rest days in force and to come."""
        call = current_call()
        listed = await self._use.list_rest_days(call.user_id, time_zone=call.time_zone)
        return pb.ListRestDaysResponse(rest_days=map(rest_days_to_proto, listed))

    async def SetRestDays(self, request: pb.SetRestDaysRequest, context: Context) -> streak_pb2.RestDays:
        """Makes weekdays rest days."""
        effective = date_from_proto(request.effective_date, "effective_date")
        weekdays = weekdays_from_proto(request.weekdays)
        return rest_days_to_proto(await self._use.set_rest_days(current_call(), weekdays, effective))

    async def ListPauses(self, request: pb.ListPausesRequest, context: Context) -> pb.ListPausesResponse:
        """Returns a page of pauses."""
        wanted = PageRequest("ListPauses", request.page_size, request.page_token, default_size=_DEFAULT_PAGE)
        after = place_in(wanted, read_day, read_id)
        pauses = await self._use.list_pauses(current_call().user_id, after=after, limit=wanted.limit)
        page = wanted.page(pauses, lambda pause: place_to_position(pause_place(pause)))
        return pb.ListPausesResponse(
            pauses=map(pause_to_proto, page.items), next_page_token=page.next_page_token
        )

    async def PlanPause(self, request: pb.PlanPauseRequest, context: Context) -> streak_pb2.Pause:
        """Plans a pause."""
        first = required_date_from_proto(request.first_date, "first_date")
        last = required_date_from_proto(request.last_date, "last_date")
        return pause_to_proto(await self._use.plan_pause(current_call(), first, last))

    async def CancelPause(self, request: pb.CancelPauseRequest, context: Context) -> streak_pb2.Pause:
        """Ends a pause early."""
        pause_id = UUID(request.name.removeprefix("pauses/"))
        since = date_from_proto(request.from_date, "from_date")
        return pause_to_proto(await self._use.cancel_pause(current_call(), pause_id, since))

    async def GetFreezes(self, request: pb.GetFreezesRequest, context: Context) -> pb.GetFreezesResponse:
        """Returns freezes and a page of what became of them."""
        call = current_call()
        wanted = PageRequest(
            "GetFreezes", request.page_size, request.page_token, (request.product,), _DEFAULT_PAGE
        )
        freezes = await self._use.get_freezes(
            call.user_id,
            request.product,
            after=place_in(wanted, read_instant, read_text),
            limit=wanted.limit - 1,
            time_zone=call.time_zone,
        )
        return pb.GetFreezesResponse(
            product=freezes.product,
            held=freezes.held,
            limit=self._freeze_limit,
            as_of_date=freezes.as_of.isoformat(),
            changes=map(freeze_change_to_proto, freezes.changes),
            next_page_token=wanted.token_after(place_to_position(freezes.more)) if freezes.more else "",
        )

    async def BuyFreeze(self, request: pb.BuyFreezeRequest, context: Context) -> pb.BuyFreezeResponse:
        """Buys a freeze."""
        held = await self._use.buy_freeze(current_call(), request.product)
        return pb.BuyFreezeResponse(product=held.product, held=held.held, limit=held.limit)


ADMIN_SERVICE = "practice.stats.v1.StreakAdminService"
_LIST = "ListStreakEntries"


@dataclass(frozen=True, slots=True)
class AdminUseCases:
    """What operators do about a user's streaks."""

    grant_freeze: GrantFreeze
    repair_streak: RepairStreak
    list_entries: ListStreakEntries


class StreakAdminServicer(rpc.StreakAdminServiceServicer):
    """Implements practice.stats.v1.StreakAdminService."""

    def __init__(self, use_cases: AdminUseCases) -> None:
        self._use = use_cases

    async def GrantFreeze(self, request: pb.GrantFreezeRequest, context: Context) -> streak_pb2.StreakEntry:
        """Grants a freeze."""
        granted = await self._use.grant_freeze(
            current_call(), request.user_id, request.product, actor=request.actor, reason=request.reason
        )
        return entry_to_proto(granted, for_operators=True)

    async def RepairStreak(self, request: pb.RepairStreakRequest, context: Context) -> streak_pb2.StreakEntry:
        """Keeps a missed day."""
        repaired = await self._use.repair_streak(
            current_call(),
            request.user_id,
            request.product,
            required_date_from_proto(request.date, "date"),
            actor=request.actor,
            reason=request.reason,
        )
        return entry_to_proto(repaired, for_operators=True)

    async def ListStreakEntries(
        self, request: pb.ListStreakEntriesRequest, context: Context
    ) -> pb.ListStreakEntriesResponse:
        """Returns a page of entries."""
        wanted = PageRequest(_LIST, request.page_size, request.page_token, (request.user_id,), _DEFAULT_PAGE)
        after = place_in(wanted, read_instant, read_id)
        entries = await self._use.list_entries(request.user_id, after=after, limit=wanted.limit)
        page = wanted.page(entries, lambda entry: place_to_position(entry_place(entry)))
        shown = [entry_to_proto(entry, for_operators=True) for entry in page.items]
        return pb.ListStreakEntriesResponse(entries=shown, next_page_token=page.next_page_token)
