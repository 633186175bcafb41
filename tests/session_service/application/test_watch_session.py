"""Watching: nothing lost, nothing twice, and an end."""

from __future__ import annotations

import pytest

from service_kit.call import Call
from session_service.application.ports.readers import JournalEntry
from session_service.application.ports.sessions import SessionRef
from session_service.application.watch_session import Snapshot
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.errors import SessionNotFoundError
from session_service.domain.states import Change, State
from tests.session_service.memory.world import World

ME = Call(5)
REF = SessionRef(1)


async def _pause(world: World) -> None:
    await world.use.pause_session(ME, REF)


async def _resume(world: World) -> None:
    await world.use.resume_session(ME, REF)


async def _complete(world: World) -> None:
    await world.use.complete_session(ME, REF)


async def _answer(world: World) -> None:
    await world.use.submit_answers(ME, REF, [SubmittedAnswer("words/1", "hable")])


async def watch(world: World, cursor: int = 0) -> list[Snapshot | JournalEntry]:
    return [happened async for happened in await world.use.watch_session(ME, REF, cursor)]


def sequences(happened: list[Snapshot | JournalEntry]) -> list[int]:
    return [entry.sequence for entry in happened if isinstance(entry, JournalEntry)]


async def test_a_watch_begins_with_a_snapshot_and_ends_with_the_end(world: World) -> None:
    session = await world.start("portal")
    world.clock.advance(30)
    world.signals.meanwhile = [lambda: _answer(world), lambda: _pause(world), lambda: _complete(world)]
    snapshot, *entries = await watch(world)
    assert snapshot == Snapshot(session, elapsed_seconds=30)
    assert [entry.change for entry in entries if isinstance(entry, JournalEntry)] == [
        Change.ANSWERED,
        Change.PAUSED,
        Change.ENDED,
    ]
    assert sequences(entries) == [2, 3, 4]
    answered, _, ended = world.tables.journal[1]
    assert (answered.answer_count, answered.correct_answer_count) == (1, 1)
    assert (ended.state, ended.elapsed_seconds) == (State.COMPLETED, 30)


async def test_several_changes_at_once_come_each_once_and_in_order(world: World) -> None:
    await world.start("portal")

    async def burst() -> None:
        for _ in range(3):
            await _pause(world)
            await _resume(world)

    async def nothing() -> None:
        """A signal without a change, as any hint may be."""

    world.signals.meanwhile = [nothing, burst, nothing, lambda: _complete(world)]
    assert sequences(await watch(world)) == [2, 3, 4, 5, 6, 7, 8]


async def test_what_happens_between_the_snapshot_and_the_stream_is_not_lost(world: World) -> None:
    await world.start("portal")
    changes = aiter(await world.use.watch_session(ME, REF))
    assert isinstance(await anext(changes), Snapshot)
    await _answer(world)
    await _complete(world)
    assert [entry.sequence async for entry in changes if isinstance(entry, JournalEntry)] == [2, 3]


async def test_a_cursor_goes_on_with_the_next_change_and_no_snapshot(world: World) -> None:
    await world.start("portal")
    await _pause(world)
    await _resume(world)
    world.signals.meanwhile = [lambda: _complete(world)]
    happened = await watch(world, cursor=2)
    assert not any(isinstance(entry, Snapshot) for entry in happened)
    assert sequences(happened) == [3, 4]


@pytest.mark.parametrize(("cursor", "expected"), [(1, [2, 3]), (2, [3]), (3, []), (99, [])])
async def test_an_ended_session_is_told_from_the_cursor_to_its_end(
    world: World, cursor: int, expected: list[int]
) -> None:
    await world.start("portal")
    await _pause(world)
    await _complete(world)
    assert sequences(await watch(world, cursor)) == expected


async def test_an_ended_session_without_a_cursor_is_a_snapshot_alone(world: World) -> None:
    await world.start("portal")
    await _complete(world)
    assert await watch(world) == [Snapshot(world.tables.sessions[1], elapsed_seconds=0)]


@pytest.mark.parametrize("cursor", [1, 2])
async def test_where_what_came_next_is_forgotten_there_is_a_snapshot(world: World, cursor: int) -> None:
    await world.start("portal")
    await _pause(world)
    await _complete(world)
    # A note is written about a session whose changes were forgotten before.
    await world.use.set_note(ME, REF, "again")
    for left in (world.tables.journal[1][-1:], []):
        world.tables.journal[1][:] = left
        session = world.tables.sessions[1]
        assert await watch(world, cursor) == [Snapshot(session, session.elapsed_seconds)]


async def test_a_cursor_from_the_future_still_sees_the_end(world: World) -> None:
    await world.start("portal")
    world.signals.meanwhile = [lambda: _complete(world)]
    assert sequences(await watch(world, cursor=99)) == [2]


async def test_two_watchers_see_the_same(world: World) -> None:
    await world.start("portal")
    first, second = await world.use.watch_session(ME, REF), await world.use.watch_session(ME, REF)
    seen = [await anext(first), await anext(second)]
    assert seen[0] == seen[1]
    await _complete(world)
    assert [entry async for entry in first] == [entry async for entry in second]


async def test_another_users_session_is_not_watched(world: World) -> None:
    await world.start("portal", user_id=6)
    with pytest.raises(SessionNotFoundError):
        await watch(world)
