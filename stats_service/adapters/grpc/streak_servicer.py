"""Streaks and what keeps them: converts, calls the use case, converts back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import grpc
from practice.stats.v1 import streak_pb2
from practice.stats.v1 import streak_service_pb2 as pb
from practice.stats.v1 import streak_service_pb2_grpc as rpc

from service_kit.call import current_call
from stats_service.adapters.grpc.converters import to_date
from stats_service.adapters.grpc.page_places import (
    decode_place,
    encode_place,
    read_day,
    read_id,
    read_instant,
    read_text,
)
from stats_service.adapters.grpc.streak_converters import (
    demanded_date,
    from_freeze_change,
    from_pause,
    from_rest_days,
    from_streaks,
    to_weekdays,
)
from stats_service.application.buy_freeze import BuyFreeze
from stats_service.application.cancel_pause import CancelPause
from stats_service.application.get_freezes import GetFreezes
from stats_service.application.get_streaks import GetStreaks
from stats_service.application.list_pauses import ListPauses, place_of
from stats_service.application.list_rest_days import ListRestDays
from stats_service.application.plan_pause import PlanPause
from stats_service.application.set_rest_days import SetRestDays

Context = grpc.aio.ServicerContext[Any, Any]

_DEFAULT_PAGE = 50


class StreakServicer(rpc.StreakServiceServicer):
    """Implements practice.stats.v1.StreakService."""

    def __init__(
        self,
        *,
        get_streaks: GetStreaks,
        list_rest_days: ListRestDays,
        set_rest_days: SetRestDays,
        list_pauses: ListPauses,
        plan_pause: PlanPause,
        cancel_pause: CancelPause,
        get_freezes: GetFreezes,
        buy_freeze: BuyFreeze,
        freeze_limit: int,
    ) -> None:
        self._get_streaks = get_streaks
        self._list_rest_days = list_rest_days
        self._set_rest_days = set_rest_days
        self._list_pauses = list_pauses
        self._plan_pause = plan_pause
        self._cancel_pause = cancel_pause
        self._get_freezes = get_freezes
        self._buy_freeze = buy_freeze
        self._freeze_limit = freeze_limit

    async def GetStreaks(self, request: pb.GetStreaksRequest, context: Context) -> pb.GetStreaksResponse:
        """Returns the caller's streaks."""
        call = current_call()
        told = await self._get_streaks(
            call.user_id, min_user_seq=request.min_user_seq, time_zone=call.time_zone
        )
        return pb.GetStreaksResponse(
            streaks=[from_streaks(product, streaks) for product, streaks in told.streaks.items()],
            as_of_date=told.as_of.isoformat(),
            freeze_limit=self._freeze_limit,
            pending=told.pending,
        )

    async def ListRestDays(
        self, request: pb.ListRestDaysRequest, context: Context
    ) -> pb.ListRestDaysResponse:
        """Lists rest days in force and to come."""
        call = current_call()
        listed = await self._list_rest_days(call.user_id, time_zone=call.time_zone)
        return pb.ListRestDaysResponse(rest_days=map(from_rest_days, listed))

    async def SetRestDays(self, request: pb.SetRestDaysRequest, context: Context) -> streak_pb2.RestDays:
        """Makes weekdays rest days."""
        effective = to_date(request.effective_date, "effective_date")
        weekdays = to_weekdays(request.weekdays)
        return from_rest_days(await self._set_rest_days(current_call(), weekdays, effective))

    async def ListPauses(self, request: pb.ListPausesRequest, context: Context) -> pb.ListPausesResponse:
        """Returns a page of pauses."""
        limit = request.page_size or _DEFAULT_PAGE
        after = decode_place("ListPauses", [], request.page_token, read_day, read_id)
        pauses = await self._list_pauses(current_call().user_id, after=after, limit=limit + 1)
        more = encode_place("ListPauses", [], place_of(pauses[limit - 1])) if len(pauses) > limit else ""
        return pb.ListPausesResponse(pauses=map(from_pause, pauses[:limit]), next_page_token=more)

    async def PlanPause(self, request: pb.PlanPauseRequest, context: Context) -> streak_pb2.Pause:
        """Plans a pause."""
        first = demanded_date(request.first_date, "first_date")
        last = demanded_date(request.last_date, "last_date")
        return from_pause(await self._plan_pause(current_call(), first, last))

    async def CancelPause(self, request: pb.CancelPauseRequest, context: Context) -> streak_pb2.Pause:
        """Ends a pause early."""
        pause_id = UUID(request.name.removeprefix("pauses/"))
        since = to_date(request.from_date, "from_date")
        return from_pause(await self._cancel_pause(current_call(), pause_id, since))

    async def GetFreezes(self, request: pb.GetFreezesRequest, context: Context) -> pb.GetFreezesResponse:
        """Returns freezes and a page of what became of them."""
        call = current_call()
        chosen: list[object] = [request.product]
        freezes = await self._get_freezes(
            call.user_id,
            request.product,
            after=decode_place("GetFreezes", chosen, request.page_token, read_instant, read_text),
            limit=request.page_size or _DEFAULT_PAGE,
            time_zone=call.time_zone,
        )
        return pb.GetFreezesResponse(
            product=freezes.product,
            held=freezes.held,
            limit=self._freeze_limit,
            as_of_date=freezes.as_of.isoformat(),
            changes=map(from_freeze_change, freezes.changes),
            next_page_token=encode_place("GetFreezes", chosen, freezes.more) if freezes.more else "",
        )

    async def BuyFreeze(self, request: pb.BuyFreezeRequest, context: Context) -> pb.BuyFreezeResponse:
        """Buys a freeze."""
        held = await self._buy_freeze(current_call(), request.product)
        return pb.BuyFreezeResponse(product=held.product, held=held.held, limit=held.limit)
