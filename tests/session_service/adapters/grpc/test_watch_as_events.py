"""Watching a session by server-sent events: the same changes, and `Last-Event-ID` goes on after one."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from practice.session.v1 import practice_session_pb2 as session_pb
from practice.session.v1 import session_service_pb2 as pb
from practice.session.v1 import session_service_pb2_grpc as rpc

from deploy.local.servers import free_port
from session_service.main import serving
from session_service.settings import SessionSettings
from tests.described import Event, read_events
from tests.grpc_errors import Refusal, refusal
from tests.session_service.adapters.grpc.test_watch_session import (
    answer_at_once,
    check_complete,
    go_on_to_the_end,
    practise,
)
from tests.session_service.clients import Learner, Metadata
from tests.session_service.processes import connected, running, until_serving
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
async def elsewhere(session_settings: dict[str, Any], me: Metadata) -> AsyncIterator[Learner]:
    """The same learner at another instance of the service on the same database."""
    async with (
        serving(SessionSettings(**session_settings)) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield Learner(rpc.SessionServiceStub(channel), me)


def watch(learner: Learner, name: str, last: str = "") -> Any:
    """Watches as a client that comes back with the id of its last event."""
    come_back = learner.with_metadata(last_event_id=last) if last else learner
    return come_back.sessions.WatchSessionAsEvents(
        pb.WatchSessionRequest(name=name), metadata=come_back.metadata
    )


async def events_of(stream: Any) -> AsyncIterator[Event]:
    """Yields events as they come, without what is said beside them."""
    async for piece in stream:
        for event in read_events(piece.data.decode()):
            yield event


async def everything(learner: Learner, name: str, last: str = "") -> list[Event]:
    """Watches until the service ends the stream, which it says."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        *events, end = [event async for event in events_of(watch(learner, name, last))]
    assert (end.id, end.name) == ("", "end")
    assert json.loads(end.data)["reason"] == "SESSION_ENDED"
    return events


def changes_of(events: list[Event]) -> list[session_pb.SessionChange]:
    """Returns what events say; their ids and names are those of what they say."""
    changes = [ParseDict(json.loads(event.data), session_pb.SessionChange()) for event in events]
    assert [event.id for event in events] == [str(change.cursor) for change in changes]
    kinds = [session_pb.SessionChange.Kind.Name(change.kind) for change in changes]
    assert [f"KIND_{event.name.upper()}" for event in events] == kinds
    return changes


async def test_events_say_what_a_watch_says(learner: Learner) -> None:
    name = (await learner.start()).name
    await practise(name, learner)
    (snapshot,) = await everything(learner, name)
    check_complete(changes_of(await everything(learner, name, "1")), hands=1)
    watched = [change async for change in learner.call("WatchSession", name=name)]
    assert (snapshot.name, changes_of([snapshot])) == ("snapshot", watched)
    assert await everything(learner, name, "30") == []


async def test_a_client_that_comes_back_to_another_process_again_and_again_sees_every_change_once(
    learner: Learner, elsewhere: Learner
) -> None:
    name = (await learner.start()).name
    writing = asyncio.create_task(practise(name, learner, elsewhere))
    dice = random.Random(11)
    seen: list[Event] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not seen or seen[-1].name != "ended":
            stream = watch(dice.choice((learner, elsewhere)), name, seen[-1].id if seen else "1")
            left = dice.randint(1, 7)
            async for event in events_of(stream):
                if event.name != "end":
                    seen.append(event)
                left -= 1
                if not left:
                    break
            stream.cancel()
    await writing
    check_complete(changes_of(seen), hands=2)


async def test_a_client_whose_process_is_killed_goes_on_at_another_and_misses_nothing(
    session_settings: dict[str, Any], learner: Learner, tmp_path: Path
) -> None:
    name = (await learner.start()).name
    settings = {**session_settings, "listen": f"127.0.0.1:{free_port()}"}
    with running("session_service.main", settings, tmp_path / "log") as service:
        async with connected(settings["listen"]) as channel:
            await until_serving(channel)
            doomed = Learner(rpc.SessionServiceStub(channel), learner.metadata)
            stream = watch(doomed, name)
            seen = []
            async with asyncio.timeout(PATIENCE_SECONDS):
                coming = events_of(stream)
                seen.append(await anext(coming))
                writing = asyncio.create_task(answer_at_once(name, learner))
                while len(seen) < 5:
                    seen.append(await anext(coming))
                service.kill()
                # What was on its way comes yet, and then no word of an end.
                with pytest.raises(grpc.aio.AioRpcError):
                    while True:
                        seen.append(await anext(coming))
    await writing
    await go_on_to_the_end(name, learner)
    seen += await everything(learner, name, seen[-1].id)
    snapshot, *changes = changes_of(seen)
    assert snapshot.cursor == 1
    check_complete(changes, hands=1)


async def test_the_watches_of_an_account_are_counted_whichever_way_it_watches(
    learner: Learner, session_settings: dict[str, Any]
) -> None:
    name = (await learner.start()).name
    most = SessionSettings(**session_settings).max_watches_per_user
    streams = [learner.call("WatchSession", name=name), *(watch(learner, name) for _ in range(most - 1))]
    async with asyncio.timeout(PATIENCE_SECONDS):
        for stream in streams:
            await stream.read()
        refused = await refusal(watch(learner, name).read())
    assert (refused.reason, refused.trailing["retry-after"]) == ("TOO_MANY_AT_ONCE", "10")
    for stream in streams:
        stream.cancel()


async def test_a_watch_ends_with_its_token_and_goes_on_with_a_new_one(
    learner: Learner, user_id: int, tokens: TestTokens
) -> None:
    name = (await learner.start()).name
    # Good for some seconds yet: clocks differ.
    soon_over = Learner(learner.sessions, tokens.bearer(user_id, exp=int(time.time())))
    async with asyncio.timeout(PATIENCE_SECONDS):
        snapshot, end = [event async for event in events_of(watch(soon_over, name))]
    assert (snapshot.name, end.name) == ("snapshot", "end")
    assert json.loads(end.data)["reason"] == "TOKEN_INVALID"
    await practise(name, learner)
    check_complete(changes_of(await everything(learner, name, snapshot.id)), hands=1)


async def test_what_cannot_be_watched_is_refused_like_any_call(learner: Learner, stranger: Learner) -> None:
    name = (await learner.start()).name

    async def refused(stream: Any) -> Refusal:
        return await refusal(stream.read())

    assert (await refused(watch(stranger, name))).reason == "SESSION_NOT_FOUND"
    assert (await refused(watch(learner, name, "the last one"))).reason == "FIELD_INVALID"
