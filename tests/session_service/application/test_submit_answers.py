"""Recording answers: a result for each, and each once."""

from __future__ import annotations

import pytest

from service_kit.call import Call
from service_kit.errors import UnavailableError
from session_service.application.ports.sessions import SessionRef
from session_service.application.submit_answers import Answered
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.errors import SessionEndedError, SessionNotFoundError
from session_service.domain.states import Change
from tests.session_service.memory.world import World, keyed

ME = Call(5)


def answer(
    number: int, text: str = "hable", answer_id: str = "", taken: float | None = 8.5
) -> SubmittedAnswer:
    return SubmittedAnswer(f"exercises/{number}", text, answer_id, taken)


def refusals(submission: Answered) -> list[str]:
    return [result.refusal.reason if result.refusal else "" for result in submission.results]


async def test_an_answer_is_graded_recorded_and_counted_in_one_commit(world: World) -> None:
    session = await world.start("exercises")
    world.clock.advance(10)
    submission = await world.use.submit_answers(ME, SessionRef(session.id), [answer(1, " HABLE ", "a")])
    (result,) = submission.results
    assert result.recorded is not None
    assert (result.recorded.correct, result.recorded.correct_answer) == (True, "hable")
    assert (result.recorded.text, result.recorded.time_taken) == (" HABLE ", 8.5)
    assert world.tables.answers == {(session.id, "a"): result.recorded}
    assert (submission.session.answer_count, submission.session.correct_answer_count) == (1, 1)
    assert world.tables.sessions[session.id] == submission.session
    assert world.changes(session.id) == [Change.ANSWERED]
    assert world.store.commits == 2
    assert not submission.statistics_pending


async def test_each_answer_of_a_batch_is_a_change_and_the_results_come_in_the_order_sent(
    world: World,
) -> None:
    session = await world.start("exercises")
    sent = [answer(3, "no"), answer(1), answer(2, "hablase")]
    submission = await world.use.submit_answers(ME, SessionRef(session.id), sent)
    assert [result.item for result in submission.results] == ["exercises/3", "exercises/1", "exercises/2"]
    assert [result.recorded.correct for result in submission.results if result.recorded] == [
        False,
        True,
        True,
    ]
    assert (submission.session.answer_count, submission.session.correct_answer_count) == (3, 2)
    assert submission.session.version == session.version + 3
    assert world.changes(session.id) == [Change.ANSWERED] * 3


async def test_an_answer_without_an_id_gets_one_of_its_own(world: World) -> None:
    session = await world.start("exercises")
    submission = await world.use.submit_answers(ME, SessionRef(session.id), [answer(1), answer(1)])
    ids = {result.answer_id for result in submission.results}
    assert len(ids) == 2
    assert "" not in ids
    assert submission.session.answer_count == 2


async def test_one_refused_answer_blocks_none_of_the_others(world: World) -> None:
    session = await world.start("exercises")
    sent = [
        answer(1, answer_id="a"),
        answer(404, answer_id="b"),
        answer(1, "other", answer_id="a"),
        answer(2),
    ]
    submission = await world.use.submit_answers(ME, SessionRef(session.id), sent)
    assert refusals(submission) == ["", "ITEM_NOT_FOUND", "ANSWER_ID_REUSED", ""]
    assert [bool(result.recorded) for result in submission.results] == [True, False, False, True]
    missing, reused = submission.results[1].refusal, submission.results[2].refusal
    assert missing is not None
    assert reused is not None
    assert (missing.category, missing.metadata) == ("not_found", {"item": "exercises/404"})
    assert (reused.category, reused.metadata) == ("conflict", {"answer_id": "a"})
    assert submission.session.answer_count == 2
    assert {answer_id for _, answer_id in world.tables.answers} >= {"a"}
    assert (session.id, "b") not in world.tables.answers


TOO_MUCH = [
    (SubmittedAnswer("exercises/2", "hable", "i" * 129), "answer_id"),
    (SubmittedAnswer("exercises/2", "hable", "i\0"), "answer_id"),
    (SubmittedAnswer("exercises/2", "x" * 1001), "text"),
    (SubmittedAnswer("exercises/2", "hab\0le"), "text"),
    (SubmittedAnswer("exercises/2", "hable", time_taken=-0.001), "time_taken"),
    (SubmittedAnswer("exercises/2", "hable", time_taken=float("inf")), "time_taken"),
    (SubmittedAnswer("exercises/2", "hable", time_taken=float("nan")), "time_taken"),
]


@pytest.mark.parametrize(("flawed", "where"), TOO_MUCH)
async def test_an_answer_that_cannot_be_stored_is_refused_alone(
    world: World, flawed: SubmittedAnswer, where: str
) -> None:
    session = await world.start("exercises")
    submission = await world.use.submit_answers(ME, SessionRef(session.id), [flawed, answer(1)])
    refusal = submission.results[0].refusal
    assert refusal is not None
    assert (refusal.category, refusal.reason) == ("invalid", "FIELD_INVALID")
    assert refusal.metadata["field"] == where
    assert submission.session.answer_count == len(world.tables.answers) == 1


@pytest.mark.parametrize(
    "largest",
    [
        SubmittedAnswer("exercises/1", "x" * 1000, "i" * 128, 1e308),
        SubmittedAnswer("exercises/1", "", time_taken=0.0),
        SubmittedAnswer("exercises/1", "hable", time_taken=0.5),
    ],
)
async def test_the_largest_and_the_smallest_answer_are_recorded(
    world: World, largest: SubmittedAnswer
) -> None:
    session = await world.start("exercises")
    submission = await world.use.submit_answers(ME, SessionRef(session.id), [largest])
    assert submission.results[0].recorded is not None


async def test_a_batch_of_refusals_changes_nothing(world: World) -> None:
    session = await world.start("exercises")
    submission = await world.use.submit_answers(ME, SessionRef(session.id), [answer(404), answer(405)])
    assert refusals(submission) == ["ITEM_NOT_FOUND", "ITEM_NOT_FOUND"]
    assert submission.session == session == world.tables.sessions[session.id]
    assert world.changes(session.id) == []


@pytest.mark.parametrize(("product", "item"), [("exercises", "words/1"), ("yoga", "exercises/1")])
async def test_an_item_of_another_product_does_not_exist_here(world: World, product: str, item: str) -> None:
    session = await world.start(product)
    submission = await world.use.submit_answers(ME, SessionRef(session.id), [SubmittedAnswer(item, "hable")])
    assert refusals(submission) == ["ITEM_NOT_FOUND"]


async def test_an_answer_id_seen_before_is_answered_as_it_was_and_counted_once(world: World) -> None:
    session = await world.start("exercises")
    first = await world.use.submit_answers(ME, SessionRef(session.id), [answer(1, answer_id="a")])
    again = await world.use.submit_answers(
        ME, SessionRef(session.id), [answer(1, answer_id="a", taken=99), answer(2, answer_id="b")]
    )
    assert again.results[0] == first.results[0]
    assert again.session.answer_count == 2
    assert len(world.tables.answers) == 2


async def test_a_repeated_answer_keeps_the_grade_it_had_when_the_key_was_another(world: World) -> None:
    session = await world.start("exercises")
    await world.use.submit_answers(ME, SessionRef(session.id), [answer(1, answer_id="a")])
    world.catalog.keys.clear()
    again = await world.use.submit_answers(ME, SessionRef(session.id), [answer(1, answer_id="a")])
    assert again.results[0].recorded is not None
    assert again.results[0].recorded.correct


async def test_an_id_twice_in_a_batch_is_one_answer(world: World) -> None:
    session = await world.start("exercises")
    sent = [answer(1, answer_id="a"), answer(1, answer_id="a")]
    submission = await world.use.submit_answers(ME, SessionRef(session.id), sent)
    assert submission.results[0] == submission.results[1]
    assert submission.session.answer_count == 1


async def test_an_answer_id_belongs_to_its_session(world: World) -> None:
    for _ in range(2):
        session = await world.start("exercises")
        submission = await world.use.submit_answers(ME, SessionRef(session.id), [answer(1, answer_id="a")])
        assert submission.session.answer_count == 1


async def test_after_the_end_old_answers_are_still_confirmed(world: World) -> None:
    session = await world.start("exercises")
    first = await world.use.submit_answers(ME, SessionRef(session.id), [answer(1, answer_id="a")])
    ended = (await world.use.complete_session(ME, SessionRef(session.id))).session
    again = await world.use.submit_answers(ME, SessionRef(session.id), [answer(1, answer_id="a")])
    assert again.results == first.results
    assert again.session == ended == world.tables.sessions[session.id]
    other = await world.use.submit_answers(ME, SessionRef(session.id), [answer(2, answer_id="a")])
    assert refusals(other) == ["ANSWER_ID_REUSED"]


@pytest.mark.parametrize("number", [2, 404])
async def test_after_the_end_a_new_answer_is_refused_with_everything_beside_it(
    world: World, number: int
) -> None:
    session = await world.start("exercises")
    await world.use.submit_answers(ME, SessionRef(session.id), [answer(1, answer_id="a")])
    await world.use.complete_session(ME, SessionRef(session.id))
    before = world.store.commits
    with pytest.raises(SessionEndedError):
        await world.use.submit_answers(ME, SessionRef(session.id), [answer(1, answer_id="a"), answer(number)])
    assert world.store.commits == before
    assert len(world.tables.answers) == 1


async def test_a_request_that_comes_again_is_recorded_once_even_without_answer_ids(world: World) -> None:
    session = await world.start("exercises")
    sent = [answer(1), answer(404)]
    first = await world.use.submit_answers(keyed("k"), SessionRef(session.id), sent)
    assert await world.use.submit_answers(keyed("k"), SessionRef(session.id), sent) == first
    assert world.tables.sessions[session.id].answer_count == 1


async def test_another_users_session_takes_no_answers(world: World) -> None:
    session = await world.start("exercises", user_id=6)
    with pytest.raises(SessionNotFoundError) as refused:
        await world.use.submit_answers(ME, SessionRef(session.id), [answer(1)])
    assert refused.value.foreign
    assert world.tables.answers == {}


async def test_a_catalog_that_is_away_records_nothing(world: World) -> None:
    session = await world.start("exercises")
    world.catalog.down = True
    with pytest.raises(UnavailableError):
        await world.use.submit_answers(keyed("k"), SessionRef(session.id), [answer(1)])
    assert world.tables.sessions[session.id] == session
    assert world.tables.keys == {}
