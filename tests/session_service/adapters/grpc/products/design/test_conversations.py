"""How much of a conversation and of feedback is kept: what can be written can be read."""

from __future__ import annotations

from tests.grpc_errors import Refusal, outcome
from tests.session_service.adapters.grpc.products.design.clients import Client


async def test_a_conversation_stays_small_enough_to_be_shown_and_handed_in(ana: Client, problem: str) -> None:
    session = (await ana.open(problem))["id"]
    await ana.save(session, {"a": "x" * (1024 * 1024 - 9)})
    line = {"role": "user", "content": "\U0001f600" * 10_000}
    told = 0
    while not isinstance(
        refused := await outcome(ana.call("AddSessionMessage", session_id=session, **line)), Refusal
    ):
        told += 1
    assert (refused.reason, refused.trailing["x-practice-status"]) == ("CONVERSATION_FULL", "413")
    shown = await ana.ok("GetSession", session_id=session)
    assert len(shown["chat_messages"]) == told > 50
    submission = await ana.submit(session)
    assert submission["chat_messages"] == shown["chat_messages"]
    status, _ = await ana.refused("AddSubmissionMessage", submission_id=submission["id"], **line)
    assert status == 413


async def test_feedback_stays_small_enough_to_be_shown(ana: Client, problem: str) -> None:
    session = (await ana.open(problem))["id"]
    submission = (await ana.submit(session))["id"]
    feedback = {name: ["é" * 2_000] * 100 for name in ("strengths", "improvements")}
    status, body = await ana.refused("UpdateSubmission", {"feedback": feedback}, submission_id=submission)
    assert (status, body["detail"][0]["loc"]) == (422, ["body", "feedback"])
