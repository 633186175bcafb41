"""One answer as a session of its own."""

from __future__ import annotations

from datetime import date

import pytest

from service_kit.call import Call
from service_kit.errors import ServiceError
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.days import Calendar
from session_service.domain.errors import AnswerInvalidError, ItemNotFoundError
from session_service.domain.states import Change, State
from tests.session_service.memory.world import World, keyed

ME = Call(5)
RIGHT = SubmittedAnswer("exercises/1", "hable", time_taken=8.0)


async def test_it_starts_answers_and_completes_in_one_commit(world: World) -> None:
    world.tables.calendars[5] = Calendar("Pacific/Kiritimati")
    world.clock.advance(3 * 3600)
    submission = await world.use.record_standalone_answer(ME, "exercises", RIGHT)
    session = submission.session
    assert world.store.commits == 1
    assert world.tables.sessions == {session.id: session}
    assert (session.state, session.mode, session.version) == (State.COMPLETED, "practice", 3)
    assert (session.answer_count, session.correct_answer_count, session.score_percentage) == (1, 1, 100.0)
    assert session.local_date == date(2026, 2, 19)
    assert world.changes(session.id) == [Change.ANSWERED, Change.ENDED]
    assert submission.results[0].recorded == world.tables.answers[session.id, submission.results[0].answer_id]


async def test_it_counts_like_any_completed_session(world: World) -> None:
    submission = await world.use.record_standalone_answer(ME, "exercises", RIGHT)
    (event,) = world.tables.outbox
    assert (event.session_id, event.counts, event.answer_count) == (submission.session.id, True, 1)
    assert world.statistics.waited_for == [(5, 1)]
    assert not submission.statistics_pending


async def test_a_wrong_answer_counts_too(world: World) -> None:
    submission = await world.use.record_standalone_answer(
        ME, "exercises", SubmittedAnswer("exercises/1", "no")
    )
    assert submission.session.score_percentage == 0.0
    assert world.tables.outbox[0].counts


async def test_late_statistics_are_said_to_be_pending(world: World) -> None:
    world.statistics.late = True
    assert (await world.use.record_standalone_answer(ME, "exercises", RIGHT)).statistics_pending


async def test_every_answer_is_another_session(world: World) -> None:
    first = await world.use.record_standalone_answer(ME, "exercises", RIGHT)
    second = await world.use.record_standalone_answer(ME, "exercises", RIGHT)
    assert first.session.id != second.session.id
    assert [event.user_seq for event in world.tables.outbox] == [1, 2]


async def test_the_same_request_is_one_session(world: World) -> None:
    first = await world.use.record_standalone_answer(keyed("k"), "exercises", RIGHT)
    assert await world.use.record_standalone_answer(keyed("k"), "exercises", RIGHT) == first
    assert len(world.tables.sessions) == len(world.tables.outbox) == 1


async def test_an_unknown_exercise_leaves_no_session(world: World) -> None:
    with pytest.raises(ItemNotFoundError):
        await world.use.record_standalone_answer(
            keyed("k"), "exercises", SubmittedAnswer("exercises/404", "x")
        )
    assert (world.store.commits, world.tables.sessions, world.tables.keys) == (0, {}, {})
    assert world.tables.last_seq == {}


async def test_an_answer_that_cannot_be_stored_leaves_no_session(world: World) -> None:
    with pytest.raises(AnswerInvalidError):
        await world.use.record_standalone_answer(ME, "exercises", SubmittedAnswer("exercises/1", "x" * 1001))
    assert (world.store.commits, world.tables.sessions) == (0, {})


@pytest.mark.parametrize("product", ["chess", "portal", "yoga", "focus", "design"])
async def test_a_product_without_such_answers_refuses_and_keeps_nothing(world: World, product: str) -> None:
    with pytest.raises(ServiceError):
        await world.use.record_standalone_answer(ME, product, RIGHT)
    assert (world.store.commits, world.tables.sessions) == (0, {})
