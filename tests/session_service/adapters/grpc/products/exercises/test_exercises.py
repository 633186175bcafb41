"""The exercises product, as its document has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Value
from practice.products.exercises.v1 import exercises_service_pb2 as pb
from practice.products.exercises.v1 import exercises_service_pb2_grpc as rpc
from practice.session.v1 import practice_session_pb2 as session_pb

from session_service.adapters.db.sessions import SqlSessions
from session_service.adapters.grpc.products.shapes import rfc3339_milliseconds
from tests.session_service.adapters.grpc.products.shown import refused, shown
from tests.session_service.clients import Learner, Metadata
from tests.session_service.statistics import Statistics
from tests.tokens import TestTokens

MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOT_FOUND = (404, {"detail": "Session not found or does not belong to user"})
COMPLETED = (400, {"detail": "Session is already completed"})

Product: TypeAlias = "rpc.ExercisesServiceAsyncStub"


@pytest.fixture
def call(exercises: Product, me: Metadata) -> Callable[..., Any]:
    """Calls a method with the fields of its request."""
    return caller(exercises, me)


def caller(exercises: Product, metadata: Metadata) -> Callable[..., Any]:
    def call(method: str, *, headers: Metadata = (), **fields: Any) -> Any:
        if "exercise_id" in fields:
            fields["exercise_id"] = ParseDict(fields["exercise_id"], Value())
        request = getattr(pb, f"{method}Request")(**fields)
        return getattr(exercises, method)(request, metadata=(*metadata, *headers))

    return call


async def test_a_start_answers_the_number_and_the_moment(call: Callable[..., Any]) -> None:
    status, body = await shown(call("StartSession", session_type="practice"))

    assert status == 200
    assert set(body) == {"session_id", "started_at"}
    assert body["session_id"] == int(body["session_id"]) > 0
    assert MILLISECONDS.fullmatch(body["started_at"])
    started = datetime.fromisoformat(body["started_at"])
    assert abs(started - datetime.now(UTC)) < timedelta(seconds=20)


def test_a_moment_is_shown_as_the_document_shows_it() -> None:
    moment = datetime(2025, 11, 28, 10, 30, 0, 0, UTC)

    assert rfc3339_milliseconds(moment) == "2025-11-28T10:30:00.000Z"
    assert rfc3339_milliseconds(moment + timedelta(microseconds=7_999)) == "2025-11-28T10:30:00.007Z"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [({}, "practice"), ({"session_type": "review"}, "review"), ({"session_type": "test"}, "test")],
)
async def test_the_type_is_kept_and_is_practice_when_left_out(
    call: Callable[..., Any], sent: dict[str, str], kept: str
) -> None:
    _, body = await shown(call("StartSession", **sent))

    _, summary = await shown(call("EndSession", session_id=int(body["session_id"])))

    assert summary["session_type"] == kept


@pytest.mark.parametrize("session_type", ["exam", "PRACTICE", "", " ", "x" * 50_000, "ñ\0"])
async def test_an_unknown_type_is_refused_in_the_documents_words(
    call: Callable[..., Any], session_type: str
) -> None:
    assert await refused(call("StartSession", session_type=session_type)) == (
        400,
        {"detail": "Invalid session_type. Must be one of: practice, review, test"},
    )


async def test_an_answer_is_judged_and_counted(call: Callable[..., Any]) -> None:
    _, started = await shown(call("StartSession"))
    number = int(started["session_id"])

    right = await shown(
        call("SubmitAnswer", exercise_id=123, user_answer="hable", time_taken=8, session_id=number)
    )
    wrong = await shown(call("SubmitAnswer", exercise_id=123, user_answer="hablo", session_id=number))
    empty = await shown(call("SubmitAnswer", exercise_id=124, user_answer="", session_id=number))

    assert right == (
        200,
        {
            "is_correct": True,
            "correct_answer": "hable",
            "exercise_id": 123.0,
            "session_id": float(number),
            "feedback": "Correct!",
            "total_exercises": 1,
            "correct_answers": 1,
            "score_percentage": 100.0,
        },
    )
    assert wrong[1]["is_correct"] is False
    assert "hable" in wrong[1]["feedback"]
    assert (wrong[1]["total_exercises"], wrong[1]["correct_answers"]) == (2, 1)
    assert wrong[1]["score_percentage"] == 50.0
    assert (empty[1]["is_correct"], empty[1]["total_exercises"]) == (False, 3)


@pytest.mark.parametrize(
    ("text", "right"),
    [("  COMIÓ\t", True), ("comio\u0301", True), ("comio", False), ("comió!", False), ("co mió", False)],
)
async def test_accents_count_and_case_and_white_space_do_not(
    call: Callable[..., Any], text: str, right: bool
) -> None:
    _, body = await shown(call("SubmitAnswer", exercise_id=124, user_answer=text))

    assert body["is_correct"] is right


async def test_an_end_sums_the_session_up(call: Callable[..., Any], learner: Learner) -> None:
    _, started = await shown(call("StartSession"))
    number = int(started["session_id"])
    for text in ("hable", "hable", "no"):
        await call("SubmitAnswer", exercise_id=123, user_answer=text, session_id=number)

    status, body = await shown(call("EndSession", session_id=number))

    assert status == 200
    assert body == {
        "session_id": float(number),
        "started_at": started["started_at"],
        "ended_at": body["ended_at"],
        "duration_seconds": 0,
        "total_exercises": 3,
        "correct_answers": 2,
        "score_percentage": 66.67,
        "session_type": "practice",
    }
    assert MILLISECONDS.fullmatch(body["ended_at"])
    session = await learner.call("GetSession", name=f"sessions/{number}")
    assert session.state == session_pb.PracticeSession.STATE_COMPLETED


async def test_a_session_without_answers_scores_zero(call: Callable[..., Any]) -> None:
    _, started = await shown(call("StartSession"))

    _, body = await shown(call("EndSession", session_id=int(started["session_id"])))

    assert (body["total_exercises"], body["score_percentage"]) == (0, 0.0)


async def test_an_answer_without_a_session_is_one_of_its_own_and_counts(
    call: Callable[..., Any], learner: Learner, statistics: Statistics, user_id: int
) -> None:
    status, body = await shown(call("SubmitAnswer", exercise_id=123, user_answer="hable"))

    assert status == 200
    assert (body["total_exercises"], body["correct_answers"], body["score_percentage"]) == (1, 1, 100.0)
    session = await learner.call("GetSession", name=f"sessions/{int(body['session_id'])}")
    assert (session.state, session.user_seq) == (session_pb.PracticeSession.STATE_COMPLETED, 1)
    assert statistics.asked == [(user_id, 1)]
    assert await refused(call("EndSession", session_id=int(body["session_id"]))) == COMPLETED


async def test_an_unknown_or_a_foreign_session_is_not_found(
    call: Callable[..., Any], exercises: Product, somebody: Metadata, learner: Learner
) -> None:
    theirs = caller(exercises, somebody)
    _, started = await shown(theirs("StartSession"))
    yoga = int((await learner.start("yoga")).name.removeprefix("sessions/"))

    for number in (int(started["session_id"]), yoga, 0, -1, 2**62):
        answer = {"exercise_id": 123, "user_answer": "hable", "session_id": number}
        assert await refused(call("SubmitAnswer", **answer)) == NOT_FOUND
        assert await refused(call("EndSession", session_id=number)) == NOT_FOUND
    _, summary = await shown(theirs("EndSession", session_id=int(started["session_id"])))
    assert summary["total_exercises"] == 0


async def test_an_ended_session_takes_no_answer_and_no_second_end(call: Callable[..., Any]) -> None:
    _, started = await shown(call("StartSession"))
    number = int(started["session_id"])
    await call("EndSession", session_id=number)

    answer = {"exercise_id": 123, "user_answer": "hable", "session_id": number}
    assert await refused(call("SubmitAnswer", **answer)) == COMPLETED
    assert await refused(call("EndSession", session_id=number)) == COMPLETED


@pytest.mark.parametrize(
    "exercise_id",
    [
        404_404,
        0,
        -5,
        2**63 - 1,
        "404404",
        "abc",
        "123abc",
        "",
        " ",
        "9" * 20,
        "-1",
        "1.5",
        "0123",
        "ñ" * 9_999,
    ],
)
@pytest.mark.parametrize("standalone", [True, False])
async def test_an_unknown_exercise_is_not_found_and_counts_nothing(
    call: Callable[..., Any], learner: Learner, exercise_id: int | str, standalone: bool
) -> None:
    _, started = await shown(call("StartSession"))
    session = {} if standalone else {"session_id": int(started["session_id"])}

    assert await refused(call("SubmitAnswer", exercise_id=exercise_id, user_answer="x", **session)) == (
        404,
        {"detail": "Exercise not found"},
    )
    sessions = (await learner.call("ListSessions")).sessions
    assert [(session.answer_count, session.user_seq) for session in sessions] == [(0, 0)]


@pytest.mark.parametrize(
    ("method", "fields", "named"),
    [
        ("SubmitAnswer", {"user_answer": "hable"}, "exercise_id"),
        ("SubmitAnswer", {"exercise_id": 123}, "user_answer"),
        ("SubmitAnswer", {"exercise_id": 123, "user_answer": "x" * 1001}, "user_answer"),
        ("SubmitAnswer", {"exercise_id": 123, "user_answer": "x", "time_taken": -1}, "time_taken"),
        ("SubmitAnswer", {"exercise_id": 123, "user_answer": "x", "time_taken": float("inf")}, "time_taken"),
        ("SubmitAnswer", {"exercise_id": 1.5, "user_answer": "x"}, "exercise_id"),
        ("SubmitAnswer", {"exercise_id": True, "user_answer": "x"}, "exercise_id"),
        ("SubmitAnswer", {"exercise_id": None, "user_answer": "x"}, "exercise_id"),
        ("SubmitAnswer", {"exercise_id": 123, "user_answer": "x", "time_taken": float("nan")}, "time_taken"),
        ("SubmitAnswer", {"exercise_id": 123, "user_answer": "x\0"}, "U+0000"),
        ("EndSession", {}, "session_id"),
    ],
)
async def test_a_field_that_is_missing_or_out_of_bounds_is_named(
    call: Callable[..., Any], method: str, fields: dict[str, Any], named: str
) -> None:
    status, body = await refused(call(method, **fields))

    assert status == 400
    assert set(body) == {"detail"}
    assert named in body["detail"]


async def test_a_call_without_a_good_token_is_refused_in_the_products_shape(
    exercises: Product, tokens: TestTokens
) -> None:
    for metadata in ((), tokens.bearer(7, exp=1)):
        status, body = await refused(caller(exercises, metadata)("StartSession"))

        assert status == 401
        assert set(body) == {"detail"}


async def test_a_repeat_with_its_key_gets_the_first_answer_and_another_request_422(
    call: Callable[..., Any], learner: Learner
) -> None:
    def key(text: str) -> Metadata:
        return (("idempotency-key", text),)

    first = await shown(call("StartSession", headers=key("start")))
    assert await shown(call("StartSession", headers=key("start"))) == first
    number = int(first[1]["session_id"])
    answer = {"exercise_id": 123, "user_answer": "hable", "session_id": number}
    judged = await shown(call("SubmitAnswer", headers=key("answer"), **answer))
    assert await shown(call("SubmitAnswer", headers=key("answer"), **answer)) == judged
    ended = await shown(call("EndSession", headers=key("end"), session_id=number))
    assert await shown(call("EndSession", headers=key("end"), session_id=number)) == ended
    assert await shown(call("SubmitAnswer", headers=key("answer"), **answer)) == judged

    status, body = await refused(
        call("SubmitAnswer", headers=key("answer"), **{**answer, "user_answer": "other"})
    )
    assert (status, set(body)) == (422, {"detail"})
    status, _ = await refused(call("EndSession", headers=key("start"), session_id=number))
    assert status == 422
    assert (await learner.call("GetSession", name=f"sessions/{number}")).answer_count == 1


async def test_a_standalone_answer_with_a_key_counts_once(call: Callable[..., Any], learner: Learner) -> None:
    answer = {"exercise_id": 123, "user_answer": "hable"}
    headers = (("idempotency-key", "alone"),)

    first = await shown(call("SubmitAnswer", headers=headers, **answer))
    again = await shown(call("SubmitAnswer", headers=headers, **answer))

    assert again == first
    assert len((await learner.call("ListSessions")).sessions) == 1


async def test_a_fault_is_a_500_that_tells_nothing(
    call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setattr(SqlSessions, "lock", broken)

    assert await refused(call("EndSession", session_id=1)) == (
        500,
        {"detail": "Something went wrong on our side"},
    )
