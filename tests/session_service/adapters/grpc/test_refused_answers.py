"""How the canonical API refuses answers: one by one, and never a session's others."""

from __future__ import annotations

import grpc
import pytest
from practice.session.v1 import practice_session_pb2 as session_pb

from tests.grpc_errors import refusal
from tests.session_service.clients import Learner, elapsed

Code = grpc.StatusCode
ANSWER = session_pb.Answer(item="exercises/123", text="hable")


async def test_an_answer_id_with_another_answer_is_refused_and_the_others_recorded(learner: Learner) -> None:
    name = (await learner.start()).name
    first = session_pb.Answer(answer_id="a", item="exercises/123", text="hable")
    other = session_pb.Answer(answer_id="a", item="exercises/123", text="hablo")
    fresh = session_pb.Answer(answer_id="b", item="exercises/123", text="hable")
    await learner.call("SubmitAnswers", name=name, answers=[first])

    response = await learner.call("SubmitAnswers", name=name, answers=[other, fresh])

    assert response.results[0].error.code == 6
    assert b"ANSWER_ID_REUSED" in response.results[0].error.details[0].value
    assert response.results[1].correct
    assert response.session.answer_count == 2


BAD_ANSWERS = [
    session_pb.Answer(item="exercises/123", text="x" * 1001),
    session_pb.Answer(item="exercises/123", text="nul \0"),
    session_pb.Answer(item="exercises/123", text="x", time_taken=elapsed(-1)),
    session_pb.Answer(item="exercises/123", text="x", answer_id="i" * 129),
    session_pb.Answer(item="exercises/123", text="x", answer_id="\0"),
]


@pytest.mark.parametrize("bad", BAD_ANSWERS)
async def test_an_answer_outside_the_bounds_does_not_block_its_batch(
    learner: Learner, bad: session_pb.Answer
) -> None:
    name = (await learner.start()).name

    response = await learner.call("SubmitAnswers", name=name, answers=[ANSWER, bad, ANSWER])

    good, refused_answer, also_good = response.results
    assert good.correct
    assert also_good.correct
    assert refused_answer.error.code == 3
    assert b"FIELD_INVALID" in refused_answer.error.details[0].value
    assert response.session.answer_count == 2


@pytest.mark.parametrize("bad", BAD_ANSWERS)
async def test_a_standalone_answer_outside_the_bounds_is_refused(
    learner: Learner, bad: session_pb.Answer
) -> None:
    refused_call = await refusal(learner.call("RecordStandaloneAnswer", product="exercises", answer=bad))

    assert (refused_call.code, refused_call.reason) == (Code.INVALID_ARGUMENT, "FIELD_INVALID")
    assert (await learner.call("ListSessions")).sessions == []


@pytest.mark.parametrize(
    ("product", "item", "reason"),
    [
        ("exercises", "exercises/404404", "ITEM_NOT_FOUND"),
        ("exercises", "", "ITEM_NOT_FOUND"),
        ("exercises", "x" * 100_000, "ITEM_NOT_FOUND"),
        ("exercises", "exercises/\0", "ITEM_NOT_FOUND"),
        ("yoga", "exercises/123", "ITEM_NOT_FOUND"),
    ],
)
async def test_a_standalone_answer_to_what_there_is_not_leaves_no_session(
    learner: Learner, product: str, item: str, reason: str
) -> None:
    answer = session_pb.Answer(item=item, text="x")

    refused_call = await refusal(learner.call("RecordStandaloneAnswer", product=product, answer=answer))

    assert (refused_call.code, refused_call.reason) == (Code.NOT_FOUND, reason)
    assert (await learner.call("ListSessions")).sessions == []


@pytest.mark.parametrize("product", ["focus", "portal", "design", "chess"])
async def test_a_standalone_answer_of_a_product_without_them_is_refused(
    learner: Learner, product: str
) -> None:
    refused_call = await refusal(learner.call("RecordStandaloneAnswer", product=product, answer=ANSWER))

    assert refused_call.code in (Code.INVALID_ARGUMENT, Code.NOT_FOUND)
    assert refused_call.reason in (
        "PRODUCT_UNKNOWN",
        "CONTENT_MISMATCH",
        "ITEM_NOT_FOUND",
        "DURATION_OUT_OF_RANGE",
    )
    assert (await learner.call("ListSessions")).sessions == []
