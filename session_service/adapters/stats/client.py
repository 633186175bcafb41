"""Asks the stats service what completions led to, and which events have arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import date
from typing import TypeVar
from uuid import UUID

import grpc
from practice.stats.v1 import stats_service_pb2 as stats_pb2
from practice.stats.v1.stats_service_pb2_grpc import StatsAdminServiceStub
from redis.asyncio import Redis

from service_kit.broker import COUNTED_HINTS
from service_kit.errors import UnavailableError
from service_kit.grpc.channels import INTERNAL_KEY
from service_kit.hints import HeardPlaces, HintListener
from service_kit.logging import get_logger
from service_kit.request_ids import with_request_id
from session_service.application.ports.statistics import (
    Badge,
    DayOfPractice,
    Effects,
    Statistics,
    Streak,
    Verdicts,
)
from session_service.domain.practice_session import PracticeSession

log = get_logger(__name__)

# The stats service itself waits 0.8 s for a completion; a little more for the way.
_CATCH_UP_SECONDS = 0.95
# Of these, who hears nothing asks after so many.
HEAR_SECONDS = 0.25
_VERDICT_SECONDS = 5.0
# Events that one call may ask for.
_VERDICTS = 1_000
_READ_SECONDS = 2.0

Answer = TypeVar("Answer")


class CountedEvents:
    """How far learners' events are counted, as the stats service's workers say after each commit.

    Who waits for it asks after `patience_seconds`.
    """

    def __init__(self, redis: Redis, *, patience_seconds: float = HEAR_SECONDS) -> None:
        self.patience_seconds = patience_seconds
        # An end may be counted before its call waits: so many learners' ends are on their way at once.
        self._places = HeardPlaces(remembered=10_000)
        self.listener = HintListener(redis, COUNTED_HINTS, self._places.hear)

    @property
    def hears(self) -> bool:
        """Whether anything can be heard."""
        return self.listener.hears

    async def reach(self, user_id: int, user_seq: int) -> bool:
        """Tells whether it was said in time that an event and all before it are counted."""
        with self._places.expecting(user_id, user_seq) as reached, suppress(TimeoutError):
            async with asyncio.timeout(self.patience_seconds):
                await reached.wait()
        return reached.is_set()


class StatisticsClient(Statistics):
    """The stats service over gRPC, and what its workers say of what they counted where that is heard."""

    def __init__(
        self, channel: grpc.aio.Channel, internal_token: str, counted: CountedEvents | None = None
    ) -> None:
        self._stub = StatsAdminServiceStub(channel)
        self._metadata = ((INTERNAL_KEY, internal_token),)
        self._counted = counted

    async def caught_up(self, user_id: int, user_seq: int) -> bool:
        """Waits under a second; statistics that are late or away are no error of a completion."""
        seconds = _CATCH_UP_SECONDS
        if self._counted is not None and self._counted.hears:
            if await self._counted.reach(user_id, user_seq):
                return True
            seconds -= self._counted.patience_seconds
        request = stats_pb2.WaitUntilAppliedRequest(user_id=user_id, user_seq=user_seq)
        try:
            response = await self._stub.WaitUntilApplied(
                request, timeout=seconds, metadata=with_request_id(self._metadata)
            )
        except grpc.aio.AioRpcError as error:
            log.warning("statistics_late", code=error.code().name)
            return False
        return not response.pending

    async def effects(self, session: PracticeSession) -> Effects:
        """Asks for the standing with a completion and the badges that it earned."""
        request = stats_pb2.GetCompletionEffectsRequest(
            user_id=session.user_id,
            product=session.product,
            session_id=session.id,
            min_user_seq=session.user_seq,
        )
        told = await self._ask(self._stub.GetCompletionEffects, request, _CATCH_UP_SECONDS)
        badges = tuple(Badge(each.badge.name, each.badge.description) for each in told.badges)
        return Effects(Streak(told.streak.current_days, told.streak.best_days), badges, told.pending)

    async def streak(self, user_id: int, product: str, *, user_seq: int) -> Streak:
        """Asks for a standing."""
        request = stats_pb2.GetUserStandingRequest(user_id=user_id, product=product, min_user_seq=user_seq)
        told = await self._ask(self._stub.GetUserStanding, request)
        return Streak(told.streak.current_days, told.streak.best_days)

    async def days(
        self, user_id: int, product: str, first: date, last: date, *, user_seq: int
    ) -> Sequence[DayOfPractice]:
        """Asks for daily progress."""
        request = stats_pb2.ListUserDailyProgressRequest(
            user_id=user_id,
            product=product,
            from_date=first.isoformat(),
            to_date=last.isoformat(),
            min_user_seq=user_seq,
        )
        told = await self._ask(self._stub.ListUserDailyProgress, request)
        return [
            DayOfPractice(date.fromisoformat(day.date), day.session_count, day.elapsed_seconds)
            for day in told.days
        ]

    async def _ask(
        self,
        method: Callable[..., Awaitable[Answer]],
        request: object,
        timeout_seconds: float = _READ_SECONDS,
    ) -> Answer:
        try:
            return await method(request, timeout=timeout_seconds, metadata=with_request_id(self._metadata))
        except grpc.aio.AioRpcError as error:
            raise UnavailableError("Statistics do not answer; try again", part="stats") from error

    async def verdicts(self, event_ids: Sequence[UUID]) -> Verdicts | None:
        """Asks for a thousand events at a time."""
        applied: set[UUID] = set()
        rejected: dict[UUID, str] = {}
        for first in range(0, len(event_ids), _VERDICTS):
            told = await self._verdicts(event_ids[first : first + _VERDICTS])
            if told is None:
                return None
            applied.update(map(UUID, told.applied_event_ids))
            rejected.update((UUID(event.event_id), event.reason) for event in told.rejected_events)
        return Verdicts(frozenset(applied), rejected)

    async def _verdicts(self, event_ids: Sequence[UUID]) -> stats_pb2.GetAppliedResponse | None:
        request = stats_pb2.GetAppliedRequest(event_ids=[str(event_id) for event_id in event_ids])
        try:
            return await self._stub.GetApplied(
                request, timeout=_VERDICT_SECONDS, metadata=with_request_id(self._metadata)
            )
        except grpc.aio.AioRpcError as error:
            log.warning("statistics_silent", code=error.code().name)
            return None
