"""Submissions of the design product, as its document has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.grpc_errors import refusal
from tests.session_service.adapters.grpc.products.design.clients import DRAWN, Client
from tests.session_service.adapters.grpc.products.design.conftest import MakeProblem

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NOT_FOUND = (404, {"detail": "Submission not found"})
NOT_DELETED = (404, {"detail": "Submission not found or not authorized to delete"})
NONE_FOR_PROBLEM = (404, {"detail": "No submission found for this problem"})
FOREIGN = (403, {"detail": "Not authorized to access this submission"})
NO_FEEDBACK: dict[str, list[str]] = {"strengths": [], "improvements": [], "missing_components": []}
LINE = {"role": "user", "content": "Can you explain how to scale this better?"}


async def created(who: Client, problem: str, **changes: Any) -> dict[str, Any]:
    body = {"problem_id": problem, "diagram_data": DRAWN, "status": "in-progress", **changes}
    answer = await who.ok("CreateSubmission", body, status=201)
    assert answer["message"] == "Submission created successfully"
    submission: dict[str, Any] = answer["submission"]
    return submission


async def test_one_made_by_hand_has_every_documented_field(ana: Client, problem: str) -> None:
    submission = await created(ana, problem)
    assert submission == {
        "id": submission["id"],
        "user_id": "ana@example.com",
        "problem_id": problem,
        "diagram_data": DRAWN,
        "score": 0,
        "time_spent": 0,
        "status": "in-progress",
        "feedback": NO_FEEDBACK,
        "chat_messages": [],
        "submitted_at": submission["submitted_at"],
        "updated_at": submission["submitted_at"],
    }
    assert TIME.fullmatch(submission["submitted_at"])
    assert re.fullmatch(r"[0-9a-f]{24}", submission["id"])
    assert await ana.ok("GetSubmission", submission_id=submission["id"]) == submission


async def test_one_from_a_session_has_its_diagram_time_and_chat(ana: Client, problem: str) -> None:
    session_id = (await ana.open(problem))["id"]
    await ana.save(session_id, DRAWN, 1200)
    told = await ana.ok("AddSessionMessage", session_id=session_id, **LINE)

    answer = await ana.ok("SubmitSession", session_id=session_id, status=201)

    submission = answer["submission"]
    assert answer["message"] == "Submission created from session successfully"
    assert (submission["diagram_data"], submission["time_spent"]) == (DRAWN, 1200)
    assert (submission["status"], submission["score"]) == ("completed", 0)
    assert submission["feedback"] == NO_FEEDBACK
    assert submission["chat_messages"] == told["chat_messages"]
    session = await ana.ok("GetSession", session_id=session_id)
    assert session["status"] == "submitted"
    again = await ana.refused("SubmitSession", session_id=session_id)
    assert again == (400, {"detail": "Session already submitted"})


async def test_the_same_key_gets_the_first_answer(ana: Client, problem: str) -> None:
    session_id = (await ana.open(problem))["id"]
    device = ana.with_metadata(idempotency_key="once")
    first = await device.submit(session_id)
    await ana.ok("UpdateSubmission", {"score": 70}, submission_id=first["id"])
    assert await device.submit(session_id) == first
    assert (await ana.ok("ListMySubmissions"))["total"] == 1
    assert (await device.refused("DeleteSubmission", submission_id=first["id"]))[0] == 422


async def test_submissions_that_do_not_exist_are_not_found(
    ana: Client, problem: str, wrong_id: Callable[[str], list[str]]
) -> None:
    submission = await created(ana, problem)
    for submission_id in wrong_id(submission["id"]):
        named = {"submission_id": submission_id}
        assert await ana.refused("GetSubmission", **named) == NOT_FOUND
        assert await ana.refused("UpdateSubmission", {"score": 1}, **named) == NOT_FOUND
        assert await ana.refused("AddSubmissionMessage", **named, **LINE) == NOT_FOUND
        assert await ana.refused("DeleteSubmission", **named) == NOT_DELETED
    assert await ana.ok("GetSubmission", submission_id=submission["id"]) == submission


async def test_anothers_submission_is_forbidden_and_cannot_be_deleted(
    ana: Client, berta: Client, problem: str
) -> None:
    submission = await created(ana, problem)
    named = {"submission_id": submission["id"]}
    assert await berta.refused("GetSubmission", **named) == FOREIGN
    assert await berta.refused("UpdateSubmission", {"score": 1}, **named) == FOREIGN
    assert await berta.refused("AddSubmissionMessage", **named, **LINE) == FOREIGN
    assert await berta.refused("DeleteSubmission", **named) == NOT_DELETED
    assert await ana.ok("GetSubmission", **named) == submission


async def test_my_submissions_are_listed_without_diagrams(
    ana: Client, berta: Client, make_problem: MakeProblem
) -> None:
    made = [await created(ana, await make_problem()) for _ in range(3)]
    hidden = ("diagram_data", "feedback", "chat_messages")
    lines = [{name: each[name] for name in each if name not in hidden} for each in reversed(made)]
    assert await ana.ok("ListMySubmissions") == {
        "total": 3,
        "skip": 0,
        "limit": 100,
        "submissions": lines,
    }
    part = await ana.ok("ListMySubmissions", skip=1, limit=1)
    assert part == {"total": 3, "skip": 1, "limit": 1, "submissions": lines[1:2]}
    assert (await berta.ok("ListMySubmissions"))["submissions"] == []


async def test_the_newest_submission_of_a_problem_is_found(
    ana: Client, berta: Client, problem: str, wrong_id: Callable[[str], list[str]]
) -> None:
    assert await ana.refused("GetSubmissionForProblem", problem_id=problem) == NONE_FOR_PROBLEM
    await created(ana, problem)
    newest = await created(ana, problem, status="completed")
    assert await ana.ok("GetSubmissionForProblem", problem_id=problem) == newest
    assert await berta.refused("GetSubmissionForProblem", problem_id=problem) == NONE_FOR_PROBLEM
    for problem_id in wrong_id(problem):
        assert await ana.refused("GetSubmissionForProblem", problem_id=problem_id) == NONE_FOR_PROBLEM


async def test_an_update_changes_what_is_sent_and_nothing_else(ana: Client, problem: str) -> None:
    submission = await created(ana, problem)
    feedback = {**NO_FEEDBACK, "strengths": ["Excellent scalability design"]}
    steps: list[dict[str, Any]] = [
        {"score": 90},
        {"time_spent": 3000, "status": "completed"},
        {"feedback": feedback},
        {"feedback": {**feedback, "strengths": []}},
        {"diagram_data": {"x": 1}},
    ]
    for changes in steps:
        answer = await ana.ok("UpdateSubmission", changes, submission_id=submission["id"])
        assert answer["message"] == "Submission updated successfully"
        expected = {**submission, **changes, "updated_at": answer["submission"]["updated_at"]}
        assert answer["submission"] == expected
        submission = expected
    for nothing in ({}, {"score": None}, {"feedback": {}}, {"feedback": {"strengths": None}}):
        answer = await ana.ok("UpdateSubmission", nothing, submission_id=submission["id"])
        submission = {**submission, "updated_at": answer["submission"]["updated_at"]}
        assert answer["submission"] == submission
    assert await ana.ok("GetSubmission", submission_id=submission["id"]) == submission


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"score": 101}, ["score"]),
        ({"score": -1}, ["score"]),
        ({"score": "90"}, ["score"]),
        ({"time_spent": -1}, ["time_spent"]),
        (b'{"score": 1e9999999999999999999}', ["score"]),
        (b'{"score": -1e9999999999999999999}', ["score"]),
        (b'{"time_spent": 1e-9999999999999999999}', ["time_spent"]),
        (b'{"time_spent": 1e9999999}', ["time_spent"]),
        (b'{"time_spent": 18446744073709551616}', ["time_spent"]),
        (b'{"time_spent": 0.5}', ["time_spent"]),
        ({"status": "done"}, ["status"]),
        ({"status": 7}, ["status"]),
        ({"diagram_data": "x"}, ["diagram_data"]),
        ({"feedback": []}, ["feedback"]),
        ({"feedback": {"strengths": "good"}}, ["feedback", "strengths"]),
        ({"feedback": {"strengths": [7]}}, ["feedback", "strengths"]),
        ({"feedback": {"improvements": ["\ud800"]}}, ["feedback", "improvements"]),
        ({"feedback": {"improvements": ["x"] * 101}}, ["feedback", "improvements"]),
        ({"feedback": {"missing_components": ["x" * 2001]}}, ["feedback", "missing_components"]),
    ],
)
async def test_updates_that_cannot_be_understood_change_nothing(
    ana: Client, problem: str, changes: dict[str, Any], loc: list[str]
) -> None:
    submission = await created(ana, problem)
    status, body = await ana.refused("UpdateSubmission", changes, submission_id=submission["id"])
    assert (status, body["detail"][0]["loc"]) == (422, ["body", *loc])
    assert await ana.ok("GetSubmission", submission_id=submission["id"]) == submission


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"problem_id": 7}, "problem_id"),
        ({"diagram_data": None}, "diagram_data"),
        ({"status": "submitted"}, "status"),
    ],
)
async def test_a_submission_that_cannot_be_understood_is_not_made(
    ana: Client, problem: str, changes: dict[str, Any], field: str
) -> None:
    body = {"problem_id": problem, "diagram_data": {}, **changes}
    status, told = await ana.refused("CreateSubmission", body)
    assert (status, told["detail"][0]["loc"]) == (422, ["body", field])
    assert (await ana.ok("ListMySubmissions"))["total"] == 0


async def test_a_submission_needs_a_problem_that_exists(
    ana: Client, problem: str, wrong_id: Callable[[str], list[str]]
) -> None:
    for problem_id in wrong_id(problem):
        told = await ana.refused("CreateSubmission", {"problem_id": problem_id, "diagram_data": {}})
        assert told == (404, {"detail": "Problem not found"})


async def test_chat_and_deletion(ana: Client, problem: str) -> None:
    submission_id = (await created(ana, problem))["id"]
    answer = await ana.ok("AddSubmissionMessage", submission_id=submission_id, **LINE)
    assert answer["message"] == "Chat message added successfully"
    (line,) = answer["submission"]["chat_messages"]
    assert {**line, "timestamp": ""} == {**LINE, "timestamp": ""}
    await ana.ok("DeleteSubmission", submission_id=submission_id, status=204)
    assert await ana.refused("GetSubmission", submission_id=submission_id) == NOT_FOUND
    assert await ana.refused("DeleteSubmission", submission_id=submission_id) == NOT_DELETED


async def test_a_caller_without_a_token_is_refused(ana: Client) -> None:
    nobody = Client(ana.stub, (), "")
    assert (await nobody.refused("ListMySessions"))[0] == 401
    assert (await refusal(nobody.call("ListMySubmissions"))).reason == "TOKEN_INVALID"
