"""One account with a great many open streams, and everybody else."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from practice.privacy.v1 import personal_data_service_pb2 as privacy_pb
from practice.privacy.v1.personal_data_service_pb2_grpc import PersonalDataServiceStub

from session_service.settings import SessionSettings
from tests.grpc_errors import Refusal, outcome
from tests.session_service.clients import Learner, Metadata
from tests.waiting import PATIENCE_SECONDS

WATCHERS = 600


async def first(stream: Any) -> Any:
    """The first answer of a stream, or how it was refused."""
    return await outcome(stream.read())


async def test_the_watchers_of_one_account_leave_everybody_else_answered_and_the_service_healthy(
    learner: Learner, stranger: Learner, channel: grpc.aio.Channel, session_settings: dict[str, Any]
) -> None:
    name = (await learner.start()).name
    streams = [learner.call("WatchSession", name=name) for _ in range(WATCHERS)]
    async with asyncio.timeout(120):
        told = await asyncio.gather(*map(first, streams))

    refusals = [each for each in told if isinstance(each, Refusal)]
    limit = SessionSettings(**session_settings).max_watches_per_user
    assert len(told) - len(refusals) == limit
    assert {each.reason for each in refusals} == {"TOO_MANY_AT_ONCE"}
    assert {each.trailing["retry-after"] for each in refusals} == {"10"}
    assert (await stranger.start()).name
    assert (await stranger.call("ListSessions")).sessions
    theirs = stranger.call("WatchSession", name=(await stranger.start()).name)
    assert (await theirs.read()).cursor
    health: Any = health_pb2_grpc.HealthStub(channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=30)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    # Whoever leaves makes room.
    for stream in streams:
        stream.cancel()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while isinstance(await first(learner.call("WatchSession", name=name)), Refusal):
            await asyncio.sleep(0.1)


async def test_a_watch_of_an_erased_account_ends(
    learner: Learner, user_id: int, channel: grpc.aio.Channel, internal: Metadata
) -> None:
    stream = learner.call("WatchSession", name=(await learner.start()).name)
    await stream.read()
    personal_data: Any = PersonalDataServiceStub(channel)
    request = privacy_pb.ErasePersonalDataRequest(user_id=user_id, request_id="forget me")
    await personal_data.ErasePersonalData(request, metadata=internal)
    async with asyncio.timeout(PATIENCE_SECONDS):
        ended = await outcome(stream.read())
    assert isinstance(ended, Refusal)
    assert ended.code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAUTHENTICATED)
