"""What people cost the database who watch sessions in which nothing happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from practice.session.v1 import session_service_pb2_grpc as rpc

from session_service.main import serving
from session_service.settings import SessionSettings
from tests.session_service.clients import Learner
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS, until
from tests.wire import Wire, wire_to

PEOPLE, OF_EACH = 50, 10
# For a look at all sessions now and then, for health and for tokens that were ended: nothing for a listener.
MOST_QUERIES = 100


@pytest.fixture
async def watched(
    request: pytest.FixtureRequest, session_settings: dict[str, Any]
) -> AsyncIterator[tuple[Wire, grpc.aio.Channel]]:
    """A service that looks at what is watched as often as a test says, and what it asks the database."""
    async with wire_to(session_settings["database_url"]) as (wire, behind):
        settings = {**session_settings, "database_url": behind, "watch_look_seconds": request.param}
        async with (
            serving(SessionSettings(**settings)) as running,
            grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel,
        ):
            yield wire, channel


@pytest.mark.parametrize(
    ("watched", "idle_seconds"),
    [(0.25, 2.5), pytest.param(5.0, 60.0, marks=pytest.mark.long)],
    indirect=["watched"],
)
async def test_five_hundred_idle_watchers_ask_the_database_nothing(
    watched: tuple[Wire, grpc.aio.Channel],
    tokens: TestTokens,
    new_user: Callable[[], int],
    idle_seconds: float,
) -> None:
    wire, channel = watched
    stub = rpc.SessionServiceStub(channel)
    learners = [Learner(stub, tokens.bearer(new_user())) for _ in range(PEOPLE)]
    async with asyncio.timeout(PATIENCE_SECONDS):
        sessions = await asyncio.gather(*(learner.start() for learner in learners))
        begun = wire.round_trips
        calls = []
        # One person after the other: the database has few connections.
        for learner, session in zip(learners, sessions, strict=True):
            some = [learner.call("WatchSession", name=session.name) for _ in range(OF_EACH)]
            await asyncio.gather(*(call.read() for call in some))
            calls += some
        # Each reads the session, and what happened to it since.
        await until(lambda: wire.round_trips >= begun + 2 * len(calls))
        # Whatever comes next, comes to one session's watchers alone.
        heard = [asyncio.create_task(call.read()) for call in calls]

    before = wire.round_trips
    await asyncio.sleep(idle_seconds)
    assert 1 <= wire.round_trips - before < MOST_QUERIES

    async with asyncio.timeout(PATIENCE_SECONDS):
        await learners[0].answer(sessions[0].name, "hable")
        changes = await asyncio.gather(*heard[:OF_EACH])
    assert [change.answer_count for change in changes] == [1] * OF_EACH
    assert not any(task.done() for task in heard[OF_EACH:])
    for call in calls:
        call.cancel()
    await asyncio.gather(*heard, return_exceptions=True)
