"""A stats service for tests: a real server that remembers what it was told."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import redis.asyncio
from practice.events.v1.calendar_changed_pb2 import CalendarChanged
from practice.events.v1.session_ended_pb2 import SessionEnded
from practice.stats.v1 import progress_pb2 as progress_pb
from practice.stats.v1 import stats_service_pb2 as pb
from practice.stats.v1 import stats_service_pb2_grpc as rpc

from service_kit.broker import CALENDAR_CHANGES_TASK, COMPLETIONS_QUEUE, COMPLETIONS_TASK

MESSAGES = {COMPLETIONS_TASK: SessionEnded, CALENDAR_CHANGES_TASK: CalendarChanged}

Context = grpc.aio.ServicerContext[Any, Any]


class Statistics(rpc.StatsAdminServiceServicer):
    """Knows the events given to `apply`; counts a person's first `counted[user_id]` completions.

    While `answering` is not set, calls wait.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Knows nobody and answers at once."""
        self.applied: dict[str, bytes] = {}
        self.deliveries: Counter[str] = Counter()
        self.rejected: dict[str, str] = {}
        self.counted: dict[int, int] = {}
        self.asked: list[tuple[int, int]] = []
        self.verdicts_asked = 0
        self.answering = asyncio.Event()
        self.answering.set()
        self.metadata: list[dict[str, Any]] = []
        self.streaks: dict[int, tuple[int, int]] = {}
        self.days: dict[int, list[tuple[str, int, int]]] = {}
        self.days_asked: list[tuple[str, str, str]] = []
        self.broken = False
        self.earned: dict[int, list[tuple[str, str]]] = {}

    def apply(self, payloads: Iterable[bytes]) -> None:
        """Takes events as the worker would."""
        for payload in payloads:
            event = SessionEnded.FromString(payload)
            assert self.applied.setdefault(event.event_id, payload) == payload, "one event, two contents"
            self.deliveries[event.event_id] += 1

    async def GetApplied(self, request: pb.GetAppliedRequest, context: Context) -> pb.GetAppliedResponse:
        self.verdicts_asked += 1
        self.metadata.append(dict(context.invocation_metadata() or ()))
        await self.answering.wait()
        return pb.GetAppliedResponse(
            applied_event_ids=[event for event in request.event_ids if event in self.applied],
            rejected_events=[
                pb.RejectedEvent(event_id=event, reason=self.rejected[event])
                for event in request.event_ids
                if event in self.rejected
            ],
        )

    async def WaitUntilApplied(
        self, request: pb.WaitUntilAppliedRequest, context: Context
    ) -> pb.WaitUntilAppliedResponse:
        self.metadata.append(dict(context.invocation_metadata() or ()))
        self.asked.append((request.user_id, request.user_seq))
        await self.answering.wait()
        if self.broken:
            await context.abort(grpc.StatusCode.INTERNAL, "broken")
        counted = self.counted.get(request.user_id, request.user_seq)
        return pb.WaitUntilAppliedResponse(pending=counted < request.user_seq)

    async def GetUserStanding(
        self, request: pb.GetUserStandingRequest, context: Context
    ) -> pb.GetStandingResponse:
        self.metadata.append(dict(context.invocation_metadata() or ()))
        self.asked.append((request.user_id, request.min_user_seq))
        await self.answering.wait()
        if self.broken:
            await context.abort(grpc.StatusCode.INTERNAL, "broken")
        counted = self.counted.get(request.user_id, request.min_user_seq)
        current, best = self.streaks.get(request.user_id, (0, 0))
        return pb.GetStandingResponse(
            streak=progress_pb.Streak(current_days=current, best_days=best),
            pending=counted < request.min_user_seq,
        )

    async def ListUserDailyProgress(
        self, request: pb.ListUserDailyProgressRequest, context: Context
    ) -> pb.ListDailyProgressResponse:
        self.days_asked.append((request.product, request.from_date, request.to_date))
        self.asked.append((request.user_id, request.min_user_seq))
        await self.answering.wait()
        if self.broken:
            await context.abort(grpc.StatusCode.INTERNAL, "broken")
        response = pb.ListDailyProgressResponse()
        for day, sessions, seconds in self.days.get(request.user_id, []):
            if request.from_date <= day <= request.to_date:
                response.days.add(date=day, session_count=sessions, elapsed_seconds=seconds)
        return response

    async def GetCompletionEffects(
        self, request: pb.GetCompletionEffectsRequest, context: Context
    ) -> pb.GetCompletionEffectsResponse:
        self.asked.append((request.user_id, request.min_user_seq))
        await self.answering.wait()
        current, best = self.streaks.get(request.user_id, (0, 0))
        response = pb.GetCompletionEffectsResponse(
            streak=progress_pb.Streak(current_days=current, best_days=best),
            pending=self.counted.get(request.user_id, request.min_user_seq) < request.min_user_seq,
        )
        for name, description in self.earned.get(request.session_id, []):
            response.badges.add(badge=progress_pb.BadgeDefinition(name=name, description=description))
        return response


@asynccontextmanager
async def serving_statistics(port: int = 0) -> AsyncIterator[tuple[Statistics, str]]:
    """Yields the service and its address."""
    server = grpc.aio.server()
    statistics = Statistics()
    rpc.add_StatsAdminServiceServicer_to_server(statistics, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield statistics, f"127.0.0.1:{bound}"
    finally:
        await server.stop(0)


async def take_published(redis_url: str) -> list[bytes]:
    """Empties the queue; returns the events that waited in it."""
    payloads: list[bytes] = []
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        while (message := await client.rpop(COMPLETIONS_QUEUE)) is not None:
            envelope = json.loads(message)
            kind: Any = MESSAGES.get(envelope["headers"]["task"])
            if kind is None:
                # The queue carries more than events: a test of statistics may have asked for a backfill.
                continue
            ((encoded,), _options, _chain) = json.loads(base64.b64decode(envelope["body"]))
            taken = [base64.b64decode(text) for text in encoded]
            assert all(kind.FromString(payload).user_seq for payload in taken)
            payloads += taken
    return payloads


@asynccontextmanager
async def consuming(redis_url: str, statistics: Statistics) -> AsyncIterator[None]:
    """Applies what is published for as long as the block lasts."""

    leaving = asyncio.Event()

    async def consume() -> None:
        while not leaving.is_set():
            # Redis may be away, as a test wants it.
            with suppress(redis.exceptions.RedisError, OSError):
                statistics.apply(await take_published(redis_url))
            await asyncio.sleep(0.02)

    task = asyncio.create_task(consume())
    try:
        yield
    finally:
        # Not cancelled: a client in the middle of a command may swallow that.
        leaving.set()
        await task
