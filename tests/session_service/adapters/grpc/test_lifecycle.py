"""What every method of the canonical API answers when all is well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from practice.session.v1 import practice_session_pb2 as session_pb
from practice.session.v1 import session_service_pb2 as pb

from tests.session_service.clients import Learner, elapsed
from tests.session_service.statistics import Statistics

State = session_pb.PracticeSession


def near(timestamp: Timestamp) -> bool:
    return abs(timestamp.ToDatetime(UTC) - datetime.now(UTC)) < timedelta(seconds=20)


async def test_a_started_session_is_active_and_bare(learner: Learner, user_id: int) -> None:
    response = await learner.call("StartSession", product="exercises", mode="review")

    session = response.session
    assert not response.resumed
    assert session == session_pb.PracticeSession(
        name=session.name,
        user_id=user_id,
        product="exercises",
        mode="review",
        state=State.STATE_ACTIVE,
        elapsed=elapsed(0),
        start_time=session.start_time,
        update_time=session.start_time,
        time_zone="UTC",
        etag='"1"',
    )
    assert session.name.startswith("sessions/")
    assert near(session.start_time)


async def test_a_mode_left_out_is_the_products_first(learner: Learner) -> None:
    assert (await learner.start("exercises")).mode == "practice"
    assert (await learner.start("yoga")).mode == ""


async def test_a_planned_duration_is_kept_where_the_product_asks_for_one(learner: Learner) -> None:
    assert (await learner.start("focus")).planned_duration == elapsed(1500)
    assert not (await learner.start("yoga", planned_duration=elapsed(1500))).HasField("planned_duration")


async def test_a_session_is_read_as_it_was_started(learner: Learner) -> None:
    session = await learner.start("focus")

    assert await learner.call("GetSession", name=session.name) == session
    active = await learner.call("GetActiveSession", product="focus")
    assert active.session == session


async def test_there_may_be_no_active_session(learner: Learner) -> None:
    assert not (await learner.call("GetActiveSession", product="focus")).HasField("session")


async def test_an_open_session_can_be_abandoned_by_the_next_start(learner: Learner) -> None:
    first = await learner.start("focus")

    second = await learner.start("focus", on_conflict=pb.StartSessionRequest.ON_CONFLICT_ABANDON)

    assert second.name != first.name
    left = await learner.call("GetSession", name=first.name)
    assert (left.state, left.user_seq) == (State.STATE_ABANDONED, 1)


async def test_answers_are_judged_one_by_one(learner: Learner) -> None:
    name = (await learner.start()).name
    answers = [
        session_pb.Answer(answer_id="a", item="exercises/123", text="  HABLE ", time_taken=elapsed(3)),
        session_pb.Answer(answer_id="b", item="exercises/124", text="comio"),
        session_pb.Answer(answer_id="c", item="exercises/999999", text="x"),
        session_pb.Answer(item="exercises/124", text="comió"),
    ]

    response = await learner.call("SubmitAnswers", name=name, answers=answers)

    right, wrong, unknown, unnamed = response.results
    assert right == session_pb.AnswerResult(
        answer_id="a", item="exercises/123", correct=True, correct_answer="hable", feedback="Correct!"
    )
    assert (wrong.correct, wrong.correct_answer) == (False, "comió")
    assert "comió" in wrong.feedback
    assert not wrong.HasField("error")
    assert (unknown.answer_id, unknown.item, unknown.error.code) == ("c", "exercises/999999", 5)
    assert len(unknown.error.details) == 1
    assert unnamed.correct
    assert len(unnamed.answer_id) == 36
    assert (response.session.answer_count, response.session.correct_answer_count) == (3, 2)
    assert response.session.etag == '"4"'


async def test_an_answer_sent_again_changes_nothing_even_after_the_end(learner: Learner) -> None:
    name = (await learner.start()).name
    answer = session_pb.Answer(answer_id="a", item="exercises/123", text="hable")
    first = await learner.call("SubmitAnswers", name=name, answers=[answer, answer])
    assert first.results[0] == first.results[1]
    await learner.call("CompleteSession", name=name)

    again = await learner.call("SubmitAnswers", name=name, answers=[answer])

    assert again.results[0] == first.results[0]
    assert again.session.answer_count == 1


async def test_a_standalone_answer_is_a_completed_session_of_its_own(
    learner: Learner, statistics: Statistics, user_id: int
) -> None:
    answer = session_pb.Answer(item="exercises/123", text="hable")

    response = await learner.call("RecordStandaloneAnswer", product="exercises", answer=answer)

    assert response.results[0].correct
    session = response.session
    assert (session.state, session.user_seq) == (State.STATE_COMPLETED, 1)
    assert (session.answer_count, session.correct_answer_count) == (1, 1)
    assert await learner.call("GetSession", name=session.name) == session
    assert statistics.asked == [(user_id, 1)]


async def test_a_draft_comes_back_exactly_as_it_was_sent(learner: Learner) -> None:
    name = (await learner.start("yoga")).name
    assert await learner.call("GetDraft", name=name) == session_pb.Draft(
        content="{}", content_hash="d41d8cd98f00b204e9800998ecf8427e"
    )
    content = '{ "b": 1.50,\n "a": 123456789012345678901234567890, "ñ": "\\u00f1" }'

    saved = await learner.call("SaveDraft", name=name, content=content, elapsed=elapsed(30))

    draft = await learner.call("GetDraft", name=name)
    assert draft == session_pb.Draft(content=content, content_hash=saved.draft_hash)
    assert saved.elapsed == elapsed(30)
    assert near(saved.draft_save_time)


async def test_the_same_draft_again_moves_only_its_save_time(learner: Learner) -> None:
    name = (await learner.start("yoga")).name
    first = await learner.call("SaveDraft", name=name, content='{"a":1}')

    second = await learner.call("SaveDraft", name=name, content=' {"a" : 1} ', base_hash=first.draft_hash)

    assert second.draft_hash == first.draft_hash
    assert second.draft_save_time.ToNanoseconds() > first.draft_save_time.ToNanoseconds()
    assert (await learner.call("GetDraft", name=name)).content == '{"a":1}'


async def test_a_conversation_is_listed_in_pages_oldest_first(learner: Learner) -> None:
    name = (await learner.start()).name
    said = [
        await learner.call("AddMessage", name=name, role=role, content=f"line {number} ✓")
        for number, role in enumerate(("user", "assistant") * 2 + ("user",), 1)
    ]
    assert [message.position for message in said] == [1, 2, 3, 4, 5]

    first = await learner.call("ListMessages", name=name, page_size=2)
    second = await learner.call("ListMessages", name=name, page_size=2, page_token=first.next_page_token)
    await learner.call("AddMessage", name=name, role="user", content="late")
    third = await learner.call("ListMessages", name=name, page_size=2, page_token=second.next_page_token)

    listed = [*first.messages, *second.messages, *third.messages]
    assert listed[:5] == said
    assert [message.content for message in listed[5:]] == ["late"]
    assert third.next_page_token == ""


async def test_pausing_and_resuming_change_the_state_once(learner: Learner) -> None:
    name = (await learner.start("focus")).name

    paused = await learner.call("PauseSession", name=name, elapsed=elapsed(100))
    again = await learner.call("PauseSession", name=name, elapsed=elapsed(200))
    resumed = await learner.call("ResumeSession", name=name)
    going = await learner.call("ResumeSession", name=name)

    assert (paused.state, paused.elapsed, paused.etag) == (State.STATE_PAUSED, elapsed(100), '"2"')
    assert again == paused
    assert (resumed.state, resumed.elapsed, resumed.etag) == (State.STATE_ACTIVE, elapsed(100), '"3"')
    assert going == resumed


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (pb.CompleteSessionRequest.OUTCOME_UNSPECIFIED, State.STATE_COMPLETED),
        (pb.CompleteSessionRequest.OUTCOME_COMPLETED, State.STATE_COMPLETED),
        (pb.CompleteSessionRequest.OUTCOME_PARTIAL, State.STATE_PARTIAL),
    ],
)
async def test_a_completed_session_is_closed_with_its_day_and_its_number(
    learner: Learner, outcome: pb.CompleteSessionRequest.Outcome, state: session_pb.PracticeSession.State
) -> None:
    name = (await learner.start("yoga")).name

    ended = await learner.call("CompleteSession", name=name, outcome=outcome, elapsed=elapsed(3))

    assert (ended.state, ended.elapsed, ended.user_seq) == (state, elapsed(3), 1)
    assert ended.local_date == ended.end_time.ToDatetime(UTC).date().isoformat()
    assert not ended.implausible
    assert not ended.statistics_pending
    assert await learner.call("GetSession", name=name) == ended


async def test_a_session_that_reports_more_time_than_passed_is_marked(learner: Learner) -> None:
    name = (await learner.start("focus")).name

    ended = await learner.call("CompleteSession", name=name, elapsed=elapsed(3600))

    assert ended.elapsed == elapsed(3600)
    assert ended.implausible


async def test_a_completion_says_when_statistics_do_not_count_it_yet(
    learner: Learner, statistics: Statistics, user_id: int
) -> None:
    statistics.counted[user_id] = 0
    name = (await learner.start()).name

    ended = await learner.call("CompleteSession", name=name)

    assert ended.statistics_pending
    assert ended.state == State.STATE_COMPLETED
    assert statistics.asked == [(user_id, 1)]


async def test_an_abandoned_session_keeps_its_time_and_counts_for_nothing(learner: Learner) -> None:
    name = (await learner.start("focus")).name

    ended = await learner.call("AbandonSession", name=name, elapsed=elapsed(40))

    assert (ended.state, ended.elapsed, ended.user_seq) == (State.STATE_ABANDONED, elapsed(40), 1)


async def test_a_list_is_paged_newest_first_and_stays_as_it_was(learner: Learner) -> None:
    names = [(await learner.start()).name for _ in range(5)]

    first = await learner.call("ListSessions", page_size=2, product="exercises")
    await learner.start()
    second = await learner.call(
        "ListSessions", page_size=3, product="exercises", page_token=first.next_page_token
    )

    assert [session.name for session in [*first.sessions, *second.sessions]] == names[::-1]
    assert second.next_page_token == ""


async def test_a_list_is_narrowed_by_state_and_time(learner: Learner) -> None:
    old = await learner.start("yoga")
    new = await learner.start("yoga")
    await learner.call("AbandonSession", name=old.name)

    async def listed(**fields: object) -> list[str]:
        response = await learner.call("ListSessions", **fields)
        return [session.name for session in response.sessions]

    assert await listed(states=[State.STATE_ABANDONED]) == [old.name]
    assert await listed(states=[State.STATE_ACTIVE, State.STATE_PAUSED]) == [new.name]
    assert await listed(start_time_min=new.start_time) == [new.name]
    assert await listed(start_time_max=new.start_time) == [old.name]
    assert await listed(product="focus") == []
