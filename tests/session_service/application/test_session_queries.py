"""Reads change nothing and see only one's own."""

from __future__ import annotations

import pytest

from service_kit.call import Call
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.domain.errors import ProductUnknownError, SessionNotFoundError
from session_service.domain.events import SessionEnded
from session_service.domain.states import State
from tests.session_service.memory.world import World

ME = Call(5)


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
