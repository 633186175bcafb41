"""How sessions end, and what an end led to."""

from __future__ import annotations

from datetime import date

import pytest

from service_kit.call import Call
from service_kit.errors import ServiceError
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.statistics import Badge, Effects, Streak
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.days import Calendar
from session_service.domain.errors import EtagMismatchError, SessionEndedError, SessionNotFoundError
from session_service.domain.events import SessionEnded
from session_service.domain.states import Change, State
from tests.session_service.memory.world import World, keyed

ME = Call(5)
REF = SessionRef(1, "portal")


async def test_an_end_its_event_and_its_place_in_line_are_one_commit(world: World) -> None:
    session = await world.start("focus")
    world.clock.advance(1500)
    ended = await world.use.complete_session(ME, SessionRef(session.id), reported=1500)
    assert ended.session == world.tables.sessions[session.id]
    assert (ended.session.state, ended.session.elapsed_seconds) == (State.COMPLETED, 1500)
    assert (ended.session.ended_at, ended.session.user_seq) == (world.clock.now, 1)
    assert world.tables.outbox == [SessionEnded.of(ended.session)]
    assert world.changes(session.id) == [Change.ENDED]
    assert world.store.commits == 2


async def test_the_day_of_the_end_is_the_users_own_with_the_calendar_then_in_force(world: World) -> None:
    session = await world.start("yoga")
    world.tables.calendars[5] = Calendar("America/Los_Angeles", 3)
    ended = (await world.use.complete_session(ME, SessionRef(session.id))).session
    assert (ended.time_zone, ended.rollover_hour) == ("America/Los_Angeles", 3)
    assert ended.local_date == date(2026, 2, 17)


async def test_ends_are_numbered_for_each_user_without_gaps(world: World) -> None:
    for user_id in (5, 6, 5):
        session = await world.start("yoga", user_id=user_id)
        await world.use.complete_session(Call(user_id), SessionRef(session.id))
        with pytest.raises(SessionEndedError):
            await world.use.complete_session(Call(user_id), SessionRef(session.id))
    assert [(event.user_id, event.user_seq) for event in world.tables.outbox] == [(5, 1), (6, 1), (5, 2)]
    assert world.tables.last_seq == {5: 2, 6: 1}, "a refusal gives the number back"


async def test_a_completion_waits_for_its_own_place_in_the_statistics(world: World) -> None:
    session = await world.start("yoga")
    ended = await world.use.complete_session(ME, SessionRef(session.id))
    assert not ended.statistics_pending
    assert world.statistics.waited_for == [(5, 1)]


async def test_late_statistics_are_pending_and_the_end_is_safe(world: World) -> None:
    world.statistics.late = True
    session = await world.start("yoga")
    ended = await world.use.complete_session(ME, SessionRef(session.id))
    assert ended.statistics_pending
    assert world.tables.sessions[session.id].state is State.COMPLETED
    assert len(world.tables.outbox) == 1


async def test_a_repeated_completion_says_whether_statistics_have_caught_up_by_now(world: World) -> None:
    session = await world.start("yoga")
    world.statistics.late = True
    first = await world.use.complete_session(keyed("k"), SessionRef(session.id))
    world.statistics.late = False
    again = await world.use.complete_session(keyed("k"), SessionRef(session.id))
    assert first.session == again.session
    assert (first.statistics_pending, again.statistics_pending) == (True, False)
    assert len(world.tables.outbox) == 1


@pytest.mark.parametrize("outcome", [State.COMPLETED, State.PARTIAL, State.ABANDONED])
async def test_a_yoga_session_ends_in_each_of_its_ways(world: World, outcome: State) -> None:
    session = await world.start("yoga")
    ended = await world.use.complete_session(ME, SessionRef(session.id), outcome=outcome, reported=0)
    assert ended.session.state is outcome
    assert world.tables.outbox[0].counts is (outcome is State.COMPLETED)


@pytest.mark.parametrize(
    ("product", "arguments", "reason"),
    [
        ("focus", {"outcome": State.PARTIAL}, "OUTCOME_NOT_ALLOWED"),
        ("focus", {"outcome": State.PAUSED}, "OUTCOME_NOT_ALLOWED"),
        ("focus", {"reported": -1}, "DURATION_OUT_OF_RANGE"),
        ("yoga", {"reported": 14_401}, "DURATION_OUT_OF_RANGE"),
        ("yoga", {"etag": '"7"'}, "ETAG_MISMATCH"),
    ],
)
async def test_an_end_that_is_refused_leaves_the_session_open_and_no_key(
    world: World, product: str, arguments: dict[str, object], reason: str
) -> None:
    session = await world.start(product)
    with pytest.raises(ServiceError) as refused:
        await world.use.complete_session(keyed("k"), SessionRef(session.id), **arguments)  # type: ignore[arg-type]
    assert refused.value.reason == reason
    assert world.tables.sessions[session.id] == session
    assert (world.tables.outbox, world.tables.last_seq, world.tables.keys) == ([], {}, {})
    assert world.statistics.waited_for == []


async def test_giving_up_keeps_the_session_and_counts_for_nothing(world: World) -> None:
    session = await world.start("focus")
    given_up = await world.use.abandon_session(ME, SessionRef(session.id), reported=400)
    assert (given_up.state, given_up.elapsed_seconds) == (State.ABANDONED, 400)
    assert world.tables.sessions[session.id] == given_up
    (event,) = world.tables.outbox
    assert (event.outcome, event.counts, event.user_seq) == ("abandoned", False, 1)
    assert world.statistics.waited_for == [], "nothing of it is to be waited for"
    assert world.store.commits == 2


async def test_giving_up_is_refused_like_any_end(world: World) -> None:
    session = await world.start("yoga")
    with pytest.raises(EtagMismatchError):
        await world.use.abandon_session(ME, SessionRef(session.id), etag='"9"')
    with pytest.raises(SessionNotFoundError):
        await world.use.abandon_session(Call(6), SessionRef(session.id))
    await world.use.abandon_session(ME, SessionRef(session.id))
    for end in (world.use.abandon_session, world.use.complete_session):
        with pytest.raises(SessionEndedError):
            await end(ME, SessionRef(session.id))
    assert len(world.tables.outbox) == 1


@pytest.mark.parametrize("user_id", [5, 404])
async def test_a_session_of_nobody_or_of_another_is_not_ended(world: World, user_id: int) -> None:
    session = await world.start("yoga", user_id=6)
    with pytest.raises(SessionNotFoundError):
        await world.use.complete_session(Call(user_id), SessionRef(session.id))
    with pytest.raises(SessionNotFoundError):
        await world.use.complete_session(Call(6), SessionRef(999))
    assert world.tables.outbox == []


async def practise(world: World, *answers: tuple[str, str]) -> None:
    await world.start("portal")
    for item, text in answers:
        await world.use.submit_answers(ME, REF, [SubmittedAnswer(item, text)])


async def test_the_results_are_told_with_the_completed_session(world: World) -> None:
    world.statistics.standing = Effects(Streak(2, 7), (Badge("First", "One session"),), pending=False)
    right = [("words/1", "hable"), ("words/2", "hable"), ("words/4", "hable"), ("words/5", "hable")]
    await practise(world, ("words/3", "no"), *right)

    session, results = await world.use.complete_with_results(ME, REF)

    assert session.state is State.COMPLETED
    assert session == world.tables.sessions[1]
    assert results.streak == Streak(2, 7)
    assert [each.title for each in results.achievements] == ["Sharp"]
    assert results.badges == [Badge("First", "One session")]
    assert results.missed_items == ["words/3"]
    assert not results.statistics_pending


@pytest.mark.parametrize("down", [False, True])
async def test_late_or_silent_statistics_leave_the_session_completed_and_say_so(
    world: World, down: bool
) -> None:
    world.statistics.standing = Effects(Streak(0, 4), (), pending=True)
    world.statistics.down = world.catalog.down = down
    world.catalog.down = False
    await practise(world)
    world.catalog.down = down

    session, results = await world.use.complete_with_results(ME, REF)

    assert session.state is State.COMPLETED
    assert results.streak == (Streak(1, 1) if down else Streak(1, 4))
    assert results.statistics_pending
    assert len(world.tables.outbox) == 1


async def test_a_repeat_gets_the_first_results_and_nothing_happens_again(world: World) -> None:
    await practise(world, ("words/1", "no"))
    first = await world.use.complete_with_results(keyed("end"), REF)
    world.statistics.standing = Effects(Streak(8, 8), (), pending=False)
    commits = world.store.commits

    assert await world.use.complete_with_results(keyed("end"), REF) == first
    assert world.store.commits == commits


async def test_a_second_completion_is_refused(world: World) -> None:
    await practise(world)
    await world.use.complete_with_results(ME, REF)

    with pytest.raises(SessionEndedError):
        await world.use.complete_with_results(ME, REF)
    assert len(world.tables.outbox) == 1
