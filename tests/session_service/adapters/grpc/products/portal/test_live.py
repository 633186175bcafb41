"""Watching a session: the present state, then every change once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from practice.products.portal.v1 import portal_service_pb2 as pb
from practice.products.portal.v1 import portal_service_pb2_grpc as rpc

from session_service.main import serving
from session_service.settings import SessionSettings
from tests.grpc_errors import refusal
from tests.session_service.adapters.grpc.products.portal.clients import Client
from tests.session_service.clients import Learner, Metadata
from tests.waiting import PATIENCE_SECONDS


class Watcher:
    """Watches sessions as the bridge does."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata) -> None:
        self._stub = rpc.PortalLiveServiceStub(channel)
        self._metadata = metadata

    def watch(self, session_id: str, cursor: int = 0) -> Any:
        request = pb.WatchSessionRequest(session_id=session_id, cursor=cursor)
        return self._stub.WatchSession(request, metadata=self._metadata)

    async def everything(self, session_id: str, cursor: int = 0) -> list[pb.LiveUpdate]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return [update async for update in self.watch(session_id, cursor)]


@pytest.fixture
def live(channel: grpc.aio.Channel, me: Metadata) -> Watcher:
    return Watcher(channel, me)


@pytest.fixture
async def elsewhere(session_settings: dict[str, Any], me: Metadata) -> AsyncIterator[Client]:
    """The same learner at another instance of the service."""
    async with (
        serving(SessionSettings(**session_settings)) as running,
        grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel,
    ):
        yield Client(rpc.PortalServiceStub(channel), me)


def update(**fields: Any) -> pb.LiveUpdate:
    return pb.LiveUpdate(**{"time_limit": 600, **fields})


async def test_a_watch_begins_with_the_present_state(portal: Client, live: Watcher) -> None:
    session_id = await portal.start(time_limit=90)
    await portal.answer(session_id, "en-hello", "no")
    await portal.answer(session_id, "en-goodbye", "adiós")
    await portal.right(session_id, "m1")

    stream = live.watch(session_id)

    assert await stream.read() == update(
        completed=3,
        remaining=17,
        success_rate=0.6667,
        current_streak=2,
        time_limit=90,
        words_mastered=2,
        cursor=4,
    )
    stream.cancel()


async def test_each_answer_and_the_end_are_updates(portal: Client, live: Watcher) -> None:
    session_id = await portal.start(activity_id=5)
    stream = live.watch(session_id)
    assert await stream.read() == update(remaining=3, cursor=1)

    await portal.answer(session_id, "en-hello", "hola")
    assert await stream.read() == update(
        completed=1,
        remaining=2,
        success_rate=1,
        current_streak=1,
        answered=True,
        words_mastered=1,
        cursor=2,
    )
    await portal.answer(session_id, "en-hello", "no")
    assert await stream.read() == update(completed=1, remaining=2, success_rate=0.5, answered=True, cursor=3)
    await asyncio.sleep(1.05)
    await portal.complete(session_id)
    assert await stream.read() == update(
        completed=1, remaining=2, success_rate=0.5, elapsed=1, ended=True, cursor=4
    )
    assert await stream.read() is grpc.aio.EOF


async def test_the_elapsed_time_is_from_the_start_on_also_after_a_pause(
    portal: Client, live: Watcher, learner: Learner
) -> None:
    session_id = await portal.start()
    await learner.call("PauseSession", name=f"sessions/{session_id}")
    await asyncio.sleep(1.05)

    (state,) = [await live.watch(session_id).read()]
    assert state.elapsed == 1
    await learner.call("ResumeSession", name=f"sessions/{session_id}")
    await portal.ok("CancelSession", session_id=session_id)
    paused, resumed, ended = await live.everything(session_id, cursor=1)
    assert (paused.elapsed, resumed.elapsed, ended.elapsed) == (0, 1, 1)
    assert (paused.answered, resumed.ended, ended.ended) == (False, False, True)


async def test_every_answer_comes_once_and_in_order_while_clients_at_two_instances_write(
    portal: Client, elsewhere: Client, live: Watcher
) -> None:
    session_id = await portal.start(word_count=24)
    stream = live.watch(session_id)
    first = await stream.read()

    async def write(hand: Client, words: range) -> None:
        for word in words:
            await hand.right(session_id, f"m{word}")

    writing = asyncio.gather(write(portal, range(1, 12)), write(elsewhere, range(12, 23)))
    answers = [await stream.read() for _ in range(22)]
    await writing
    await elsewhere.complete(session_id)
    last = await stream.read()

    assert await stream.read() is grpc.aio.EOF
    assert [each.cursor for each in (first, *answers, last)] == list(range(1, 25))
    assert [each.completed for each in answers] == list(range(1, 23))
    assert [each.current_streak for each in answers] == list(range(1, 23))
    assert all(each.answered for each in answers)
    assert (last.ended, last.answered, last.words_mastered) == (True, False, 22)


async def test_a_cursor_continues_without_the_present_state_and_misses_nothing(
    portal: Client, elsewhere: Client, live: Watcher
) -> None:
    session_id = await portal.start(word_count=24)
    seen = [await live.watch(session_id).read()]
    writing = asyncio.create_task(_write_all(elsewhere, session_id))

    async with asyncio.timeout(PATIENCE_SECONDS):
        while not seen[-1].ended:
            stream = live.watch(session_id, seen[-1].cursor)
            for _ in range(3):
                found = await stream.read()
                if found is grpc.aio.EOF:
                    break
                seen.append(found)
            stream.cancel()
    await writing

    assert [each.cursor for each in seen] == list(range(1, 25))
    assert [each.completed for each in seen[:-1]] == list(range(23))


async def _write_all(hand: Client, session_id: str) -> None:
    for word in range(1, 23):
        await hand.right(session_id, f"m{word}")
    await hand.complete(session_id)


async def test_an_ended_session_is_told_as_it_is_and_from_any_cursor(portal: Client, live: Watcher) -> None:
    session_id = await portal.start(activity_id=5)
    await portal.answer(session_id, "en-hello", "hola")
    await portal.ok("CancelSession", session_id=session_id)

    (state,) = await live.everything(session_id)
    assert (state.ended, state.answered, state.completed, state.cursor) == (True, False, 1, 3)
    assert [each.cursor for each in await live.everything(session_id, cursor=1)] == [2, 3]
    assert await live.everything(session_id, cursor=3) == []
    assert await live.everything(session_id, cursor=2**62) == []


async def test_a_session_that_is_not_there_is_a_plain_not_found(
    portal: Client, other: Client, live: Watcher, learner: Learner
) -> None:
    theirs = await other.start()
    focus = (await learner.start("focus")).name.removeprefix("sessions/")

    for session_id in (theirs, focus, "999999999", "abc", ""):
        for cursor in (0, 5):
            refused = await refusal(live.watch(session_id, cursor).read())
            assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "SESSION_NOT_FOUND")
            assert "x-practice-body" not in refused.trailing


async def test_a_negative_cursor_and_a_missing_token_are_refused(
    portal: Client, live: Watcher, channel: grpc.aio.Channel
) -> None:
    session_id = await portal.start()

    assert (await refusal(live.watch(session_id, -1).read())).reason == "FIELD_INVALID"
    nobody = await refusal(Watcher(channel, ()).watch(session_id).read())
    assert nobody.code is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("limit", ["soon", 0, -5, True, 1e15, 90_000, None])
async def test_a_session_started_elsewhere_with_other_settings_has_the_usual_limit(
    learner: Learner, live: Watcher, limit: Any
) -> None:
    session = await learner.start("portal", content="activities/5", settings={"time_limit": limit})

    state = await live.watch(session.name.removeprefix("sessions/")).read()

    assert (state.time_limit, state.remaining) == (600, 3)
