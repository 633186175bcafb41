"""Queries on sessions: whose they are, what is in them, and what is over."""

from __future__ import annotations

import pytest

from service_kit.call import Call
from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.domain.days import Calendar
from session_service.domain.errors import ProductUnknownError, SessionNotFoundError
from session_service.domain.events import SessionEnded
from session_service.domain.states import State
from tests.session_service.memory.world import World

ME = Call(5)
MINE = SessionSelection(user_id=5, product="portal", limit=1)


async def test_a_session_is_read_as_it_is_stored(world: World) -> None:
    session = await world.start("yoga")
    assert await world.use.get_session(ME, SessionRef(session.id)) == session
    assert await world.use.get_session(ME, SessionRef(session.id, "yoga")) == session
    for ref, user in ((SessionRef(session.id), 6), (SessionRef(session.id, "focus"), 5), (SessionRef(99), 5)):
        with pytest.raises(SessionNotFoundError):
            await world.use.get_session(Call(user), ref)
    assert world.store.commits == 1


async def test_the_active_session_is_the_newest_open_one_of_the_product(world: World) -> None:
    assert await world.use.get_active_session(ME, "yoga") is None
    first, second, third = [await world.start("yoga") for _ in range(3)]
    await world.start("focus")
    await world.start("yoga", user_id=6)
    await world.use.complete_session(ME, SessionRef(third.id))
    assert await world.use.get_active_session(ME, "yoga") == second
    paused = await world.use.pause_session(ME, SessionRef(second.id))
    assert await world.use.get_active_session(ME, "yoga") == paused
    await world.use.abandon_session(ME, SessionRef(second.id))
    assert await world.use.get_active_session(ME, "yoga") == first


async def test_the_active_session_may_be_asked_for_by_content(world: World) -> None:
    session = await world.start("design")
    assert await world.use.get_active_session(ME, "design", "problems/7") == session
    assert await world.use.get_active_session(ME, "design", "problems/8") is None


async def test_an_unknown_product_is_refused_where_one_is_named(world: World) -> None:
    with pytest.raises(ProductUnknownError):
        await world.use.get_active_session(ME, "chess")
    with pytest.raises(ProductUnknownError):
        await world.use.list_sessions(SessionSelection(user_id=5, product="chess"))


async def test_sessions_are_listed_newest_first_of_one_or_every_product(world: World) -> None:
    first, second = await world.start("yoga"), await world.start("focus")
    await world.start("yoga", user_id=6)
    assert await world.use.list_sessions(SessionSelection(user_id=5)) == [second, first]
    assert await world.use.list_sessions(SessionSelection(user_id=5, product="yoga")) == [first]
    assert await world.use.list_sessions(SessionSelection(user_id=5, limit=1)) == [second]


async def test_the_facts_told_again_are_those_of_the_outbox(world: World) -> None:
    for user_id, outcome in ((5, State.COMPLETED), (6, State.PARTIAL), (5, State.ABANDONED)):
        session = await world.start("yoga", user_id=user_id)
        await world.use.complete_session(Call(user_id), SessionRef(session.id), outcome=outcome)
    await world.start("yoga")
    assert [event async for event in world.use.export_completions()] == world.tables.outbox
    mine = [event async for event in world.use.export_completions(user_id=5, after_session_id=1)]
    assert mine == [SessionEnded.of(world.tables.sessions[3])]


async def test_only_ended_sessions_are_history_and_the_total_is_of_all(world: World) -> None:
    for _ in range(3):
        await world.start("portal")
    await world.use.abandon_session(ME, SessionRef(1))
    await world.use.complete_session(ME, SessionRef(2))

    history = await world.use.list_history(MINE)

    assert [session.id for session in history.sessions] == [2]
    assert history.total == 2
    assert history.mark == await world.use.list_history.mark(5)


async def test_the_mark_changes_with_each_end_and_with_nothing_else_of_the_user(world: World) -> None:
    world.tables.calendars[5] = Calendar("Asia/Tokyo", 4)
    await world.start("portal")
    before = await world.use.list_history.mark(5)
    assert before == LearnerMark(0, Calendar("Asia/Tokyo", 4))
    await world.start("portal", user_id=6)
    await world.use.abandon_session(Call(6), SessionRef(2))
    assert await world.use.list_history.mark(5) == before

    await world.use.complete_session(ME, SessionRef(1))

    assert (await world.use.list_history.mark(5)).last_seq == 1
