"""Resting and going on."""

from __future__ import annotations

import pytest

from service_kit.call import Call
from session_service.application.ports.sessions import SessionRef
from session_service.domain.errors import (
    ElapsedWentBackError,
    EtagMismatchError,
    SessionEndedError,
    SessionNotFoundError,
)
from session_service.domain.states import Change, State
from tests.session_service.memory.world import World

ME = Call(5)


async def test_a_pause_records_the_time_and_a_resume_goes_on_from_it(world: World) -> None:
    session = await world.start("focus")
    world.clock.advance(760)
    paused = await world.use.pause_session(ME, SessionRef(session.id), reported=750)
    assert (paused.state, paused.elapsed_seconds) == (State.PAUSED, 750)
    assert world.tables.sessions[session.id] == paused
    world.clock.advance(60)
    resumed = await world.use.resume_session(ME, SessionRef(session.id))
    assert (resumed.state, resumed.elapsed_seconds) == (State.ACTIVE, 750)
    assert resumed.active_since == resumed.updated_at == world.clock.now
    assert world.tables.sessions[session.id] == resumed
    assert world.changes(session.id) == [Change.PAUSED, Change.RESUMED]
    assert world.store.commits == 3


async def test_what_changes_nothing_is_not_written_into_the_journal(world: World) -> None:
    session = await world.start("focus")
    assert await world.use.resume_session(ME, SessionRef(session.id)) == session
    paused = await world.use.pause_session(ME, SessionRef(session.id), reported=10)
    assert await world.use.pause_session(ME, SessionRef(session.id), reported=99) == paused
    assert world.changes(session.id) == [Change.PAUSED]


async def test_pausing_again_records_the_time_where_the_product_says_so(world: World) -> None:
    session = await world.start("design")
    for reported in (600, 900):
        await world.use.pause_session(ME, SessionRef(session.id), reported=reported)
    assert world.tables.sessions[session.id].elapsed_seconds == 900
    assert world.changes(session.id) == [Change.PAUSED, Change.PAUSED]


async def test_a_time_that_goes_back_is_refused_and_nothing_kept(world: World) -> None:
    session = await world.start("focus")
    await world.use.pause_session(ME, SessionRef(session.id), reported=100)
    resumed = await world.use.resume_session(ME, SessionRef(session.id))
    before = world.store.commits
    with pytest.raises(ElapsedWentBackError):
        await world.use.pause_session(ME, SessionRef(session.id), reported=99)
    assert world.tables.sessions[session.id] == resumed
    assert world.store.commits == before


async def test_only_what_was_read_is_changed_when_an_etag_is_given(world: World) -> None:
    session = await world.start("focus")
    paused = await world.use.pause_session(ME, SessionRef(session.id), reported=1, etag=session.etag)
    for stale in (world.use.pause_session, world.use.resume_session):
        with pytest.raises(EtagMismatchError):
            await stale(ME, SessionRef(session.id), etag=session.etag)
    resumed = await world.use.resume_session(ME, SessionRef(session.id), etag=paused.etag)
    assert resumed.version == paused.version + 1


async def test_an_ended_session_neither_rests_nor_goes_on(world: World) -> None:
    session = await world.start("yoga")
    await world.use.abandon_session(ME, SessionRef(session.id))
    for change in (world.use.pause_session, world.use.resume_session):
        with pytest.raises(SessionEndedError):
            await change(ME, SessionRef(session.id))
    assert world.changes(session.id) == [Change.ENDED]


@pytest.mark.parametrize(
    ("owner", "ref_product", "foreign"), [(6, "", True), (5, "focus", False), (6, "yoga", True)]
)
async def test_other_peoples_and_other_products_sessions_are_not_found(
    world: World, owner: int, ref_product: str, foreign: bool
) -> None:
    session = await world.start("yoga", user_id=owner)
    for change in (world.use.pause_session, world.use.resume_session):
        with pytest.raises(SessionNotFoundError) as refused:
            await change(ME, SessionRef(session.id, ref_product))
        assert refused.value.foreign is foreign
    assert world.store.commits == 1
