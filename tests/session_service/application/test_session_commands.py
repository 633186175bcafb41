"""Commands on open sessions: pauses, drafts and messages."""

from __future__ import annotations

import pytest

from service_kit.call import Call
from session_service.application.ports.sessions import SessionRef
from session_service.domain.drafts import EMPTY_DRAFT, EMPTY_HASH, Draft, read_draft
from session_service.domain.errors import (
    DraftInvalidError,
    ElapsedWentBackError,
    EtagMismatchError,
    SessionEndedError,
    SessionNotFoundError,
)
from session_service.domain.messages import Message
from session_service.domain.states import Change, State
from tests.session_service.memory.world import World

ME = Call(5)


# Whether others change the session between the look at it and the write.
others = pytest.mark.parametrize("taken", [False, True], ids=["undisturbed", "disturbed"])


@others
async def test_a_draft_comes_back_as_it_was_sent(world: World, taken: bool) -> None:
    world.drafts.taken = taken
    session = await world.start("design")
    content = '{ "x": 1.50, "big": 12345678901234567890 }'
    world.clock.advance(120)
    saved = await world.use.save_draft(ME, SessionRef(session.id), content, reported=120)
    assert (saved.draft_hash, saved.draft_saved_at) == (read_draft(content).content_hash, world.clock.now)
    assert saved.elapsed_seconds == 120
    assert world.tables.sessions[session.id] == saved
    assert await world.use.get_draft(ME, SessionRef(session.id)) == Draft(content, saved.draft_hash)
    assert world.changes(session.id) == [Change.DRAFT_SAVED]
    assert world.store.commits == 2


async def test_before_the_first_draft_there_is_an_empty_one(world: World) -> None:
    session = await world.start("design")
    assert await world.use.get_draft(ME, SessionRef(session.id)) == EMPTY_DRAFT
    await world.use.save_draft(ME, SessionRef(session.id), "{}")
    assert world.store.draft_writes == 0


@others
async def test_the_same_content_is_not_written_again_but_the_times_are(world: World, taken: bool) -> None:
    world.drafts.taken = taken
    session = await world.start("design")
    await world.use.save_draft(ME, SessionRef(session.id), '{"a":1,"b":2}', reported=10)
    world.clock.advance(10)
    saved = await world.use.save_draft(ME, SessionRef(session.id), '{"b": 2, "a": 1}', reported=20)
    assert world.store.draft_writes == 1
    assert (saved.elapsed_seconds, saved.draft_saved_at) == (20, world.clock.now)
    assert world.tables.sessions[session.id] == saved


@others
async def test_a_save_that_lost_the_race_is_not_lost_silently(world: World, taken: bool) -> None:
    world.drafts.taken = taken
    session = await world.start("design")
    mine = await world.use.save_draft(ME, SessionRef(session.id), '{"a":1}', base_hash=EMPTY_HASH)
    with pytest.raises(EtagMismatchError) as refused:
        await world.use.save_draft(ME, SessionRef(session.id), '{"a":2}', base_hash=EMPTY_HASH)
    assert refused.value.metadata == {"etag": mine.draft_hash}
    assert world.tables.drafts[session.id][0] == '{"a":1}'
    assert world.tables.sessions[session.id] == mine


@pytest.mark.parametrize("content", ["", "{", "[" * 65, f'"{"x" * 1024 * 1024}"'])
async def test_what_cannot_be_kept_is_refused_before_anything_is_asked(world: World, content: str) -> None:
    session = await world.start("design")
    with pytest.raises(DraftInvalidError):
        await world.use.save_draft(ME, SessionRef(session.id), content)
    assert (world.tables.sessions[session.id], world.tables.drafts) == (session, {})


async def test_an_ended_session_takes_no_draft_and_no_message_but_shows_them(world: World) -> None:
    session = await world.start("design")
    await world.use.save_draft(ME, SessionRef(session.id), "[1]")
    await world.use.add_message(ME, SessionRef(session.id), role="user", content="Why?")
    await world.use.complete_session(ME, SessionRef(session.id))
    before = world.store.commits
    with pytest.raises(SessionEndedError):
        await world.use.save_draft(ME, SessionRef(session.id), "[2]")
    with pytest.raises(SessionEndedError):
        await world.use.add_message(ME, SessionRef(session.id), role="user", content="And?")
    assert world.store.commits == before
    assert (await world.use.get_draft(ME, SessionRef(session.id))).content == "[1]"
    assert len(await world.use.list_messages(ME, SessionRef(session.id), after=0, limit=9)) == 1


async def test_messages_are_kept_in_the_order_said(world: World) -> None:
    session = await world.start("design")
    said = []
    for role, content in (("user", "How?"), ("assistant", "So."), ("user", "How?")):
        world.clock.advance(5)
        message = (
            await world.use.add_message(ME, SessionRef(session.id), role=role, content=content)
        ).message
        assert message == Message(len(said) + 1, role, content, world.clock.now)
        said.append(message)
    assert world.tables.sessions[session.id].message_count == 3
    assert world.changes(session.id) == [Change.MESSAGE_ADDED] * 3
    assert [entry.at for entry in world.tables.journal[session.id]] == [
        message.created_at for message in said
    ]
    assert await world.use.list_messages(ME, SessionRef(session.id), after=0, limit=99) == said
    assert await world.use.list_messages(ME, SessionRef(session.id), after=1, limit=1) == [said[1]]


async def test_another_users_draft_and_conversation_are_not_shown_or_touched(world: World) -> None:
    session = await world.start("design", user_id=6)
    ref = SessionRef(session.id)
    for attempt in (
        world.use.get_draft(ME, ref),
        world.use.list_messages(ME, ref, after=0, limit=9),
        world.use.save_draft(ME, ref, "[1]"),
        world.use.add_message(ME, ref, role="user", content="x"),
    ):
        with pytest.raises(SessionNotFoundError) as refused:
            await attempt
        assert refused.value.foreign
    assert world.store.commits == 1


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
