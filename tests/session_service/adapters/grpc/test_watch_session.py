"""Watching a session: nothing lost, nothing twice, in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from practice.session.v1 import practice_session_pb2 as session_pb
from practice.session.v1 import session_service_pb2_grpc as rpc

from session_service.main import serving
from session_service.settings import SessionSettings
from tests.grpc_errors import refusal
from tests.session_service.clients import Learner, Metadata, elapsed
from tests.waiting import PATIENCE_SECONDS

Kind = session_pb.SessionChange
State = session_pb.PracticeSession


@pytest.fixture
def session_settings(session_settings: dict[str, Any]) -> dict[str, Any]:
    """Places for many watchers."""
    return {**session_settings, "max_watches_per_user": 100}


@pytest.fixture
async def elsewhere(session_settings: dict[str, Any], me: Metadata) -> AsyncIterator[Learner]:
    """The same learner at another instance of the service on the same database."""
    async with (
        serving(SessionSettings(**session_settings)) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield Learner(rpc.SessionServiceStub(channel), me)


async def practise(name: str, *hands: Learner) -> None:
    """Twelve pairs of answers from each hand at once, a pause, a message, a draft, and the end."""
    await answer_at_once(name, *hands)
    await go_on_to_the_end(name, *hands)


async def answer_at_once(name: str, *hands: Learner) -> None:
    """Twelve pairs of answers from each hand."""
    await asyncio.gather(*(hand.answer(name, "hable", "no") for hand in hands for _ in range(12)))


async def go_on_to_the_end(name: str, *hands: Learner) -> None:
    """A pause, a message, a draft, and the end."""
    await hands[0].call("PauseSession", name=name)
    await hands[-1].call("ResumeSession", name=name)
    await hands[0].call("AddMessage", name=name, role="user", content="done")
    await hands[-1].call("SaveDraft", name=name, content="{}")
    await hands[0].call("CompleteSession", name=name)


async def everything(watcher: Learner, name: str, cursor: int = 0) -> list[session_pb.SessionChange]:
    """Watches until the service ends the stream."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [change async for change in watcher.call("WatchSession", name=name, cursor=cursor)]


def check_complete(changes: list[session_pb.SessionChange], hands: int) -> None:
    """The changes of `practise` from its first: numbered without a gap, with figures that only grow."""
    answers = 24 * hands
    assert [change.cursor for change in changes] == list(range(2, answers + 7))
    assert [change.kind for change in changes] == [
        *[Kind.KIND_ANSWERED] * answers,
        Kind.KIND_PAUSED,
        Kind.KIND_RESUMED,
        Kind.KIND_MESSAGE_ADDED,
        Kind.KIND_DRAFT_SAVED,
        Kind.KIND_ENDED,
    ]
    counts = [change.answer_count for change in changes[:answers]]
    assert counts == list(range(1, answers + 1))
    right = [(count + 1) // 2 for count in counts]
    assert [change.correct_answer_count for change in changes[:answers]] == right
    assert [change.right_run for change in changes[:answers]] == [count % 2 for count in counts]
    assert changes[answers].state == State.STATE_PAUSED
    assert changes[-1].state == State.STATE_COMPLETED


async def test_a_watcher_sees_a_snapshot_and_then_every_change_while_others_write(learner: Learner) -> None:
    session = await learner.start()
    stream = aiter(learner.call("WatchSession", name=session.name))
    snapshot = await anext(stream)
    writing = asyncio.create_task(practise(session.name, learner, learner))

    async with asyncio.timeout(PATIENCE_SECONDS):
        changes = [change async for change in stream]
    await writing

    assert snapshot == session_pb.SessionChange(
        kind=Kind.KIND_SNAPSHOT,
        cursor=1,
        time=session.update_time,
        state=State.STATE_ACTIVE,
        elapsed=snapshot.elapsed,
    )
    check_complete(changes, hands=2)


async def test_changes_made_at_another_instance_are_seen_as_well(
    learner: Learner, elsewhere: Learner
) -> None:
    name = (await learner.start()).name
    streams = [aiter(hand.call("WatchSession", name=name)) for hand in (learner, elsewhere)]
    for stream in streams:
        assert (await anext(stream)).kind == Kind.KIND_SNAPSHOT
    writing = asyncio.create_task(practise(name, elsewhere, learner))

    for stream in streams:
        async with asyncio.timeout(PATIENCE_SECONDS):
            check_complete([change async for change in stream], hands=2)
    await writing


async def test_a_watch_that_begins_in_the_middle_misses_nothing_after_its_snapshot(learner: Learner) -> None:
    name = (await learner.start()).name
    writing = asyncio.create_task(practise(name, learner))

    watched = await asyncio.gather(*(everything(learner, name) for _ in range(5)))
    await writing

    for snapshot, *changes in watched:
        assert snapshot.kind == Kind.KIND_SNAPSHOT
        assert [change.cursor for change in changes] == list(range(snapshot.cursor + 1, 31))
        assert not changes or changes[-1].kind == Kind.KIND_ENDED


async def test_a_watcher_that_reconnects_after_every_few_changes_sees_all_of_them_once(
    learner: Learner, elsewhere: Learner
) -> None:
    name = (await learner.start()).name
    writing = asyncio.create_task(practise(name, learner, elsewhere))
    dice = random.Random(7)
    seen: list[session_pb.SessionChange] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not seen or seen[-1].kind != Kind.KIND_ENDED:
            hand = dice.choice((learner, elsewhere))
            stream = hand.call("WatchSession", name=name, cursor=seen[-1].cursor if seen else 1)
            for _ in range(dice.randint(1, 7)):
                change = await stream.read()
                if change is grpc.aio.EOF:
                    break
                seen.append(change)
            stream.cancel()
    await writing

    check_complete(seen, hands=2)


async def test_an_ended_session_can_be_watched_from_any_point(learner: Learner) -> None:
    name = (await learner.start()).name
    await practise(name, learner)
    ended = await learner.call("GetSession", name=name)

    (snapshot,) = await everything(learner, name)
    assert (snapshot.kind, snapshot.state) == (Kind.KIND_SNAPSHOT, State.STATE_COMPLETED)
    assert f'"{snapshot.cursor}"' == ended.etag
    check_complete(await everything(learner, name, cursor=1), hands=1)
    assert len(await everything(learner, name, cursor=27)) == 3
    assert await everything(learner, name, cursor=30) == []
    assert await everything(learner, name, cursor=2**62) == []


async def test_a_cursor_of_the_future_does_not_hide_what_comes(learner: Learner) -> None:
    name = (await learner.start()).name
    watching = asyncio.create_task(everything(learner, name, cursor=1000))

    await learner.answer(name, "hable")
    await learner.call("AbandonSession", name=name)

    assert (await watching)[-1].kind == Kind.KIND_ENDED


async def test_a_negative_cursor_is_refused(learner: Learner) -> None:
    name = (await learner.start()).name

    refused = await refusal(learner.call("WatchSession", name=name, cursor=-1).read())

    assert refused.reason == "FIELD_INVALID"


async def test_a_watch_tells_the_elapsed_time_of_each_change(learner: Learner) -> None:
    name = (await learner.start("focus")).name
    await learner.call("PauseSession", name=name, elapsed=elapsed(30))
    await learner.call("ResumeSession", name=name)
    await learner.call("CompleteSession", name=name, elapsed=elapsed(45))

    changes = await everything(learner, name, cursor=1)

    assert [change.elapsed.seconds for change in changes] == [30, 30, 45]


async def test_watchers_that_leave_take_nothing_with_them(learner: Learner) -> None:
    name = (await learner.start()).name
    for _ in range(4):
        streams = [learner.call("WatchSession", name=name) for _ in range(20)]
        for stream in streams:
            await stream.read()
            stream.cancel()

    # The pool has five connections; none of them may be lost.
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*(learner.call("GetSession", name=name) for _ in range(50)))


async def test_a_server_that_stops_ends_its_watches_and_the_next_goes_on_from_the_cursor(
    session_settings: dict[str, Any], me: Metadata, learner: Learner
) -> None:
    name = (await learner.start()).name
    async with serving(SessionSettings(**session_settings)) as server:
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{server.port}")
        stream = Learner(rpc.SessionServiceStub(channel), me).call("WatchSession", name=name)
        cursor = (await stream.read()).cursor
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stream.read()
    await channel.close()
    assert raised.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)

    writing = asyncio.create_task(practise(name, learner))
    check_complete(await everything(learner, name, cursor), hands=1)
    await writing


async def test_a_watcher_hears_at_once_that_it_watches_though_nothing_happens(learner: Learner) -> None:
    session = await learner.start()
    async with asyncio.timeout(PATIENCE_SECONDS):
        watch = learner.call("WatchSession", name=session.name, cursor=1)
        await watch.initial_metadata()
    watch.cancel()
