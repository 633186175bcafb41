"""Sessions of the design product, as its document has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from practice.products.design.v1 import design_problems_service_pb2 as problems_pb
from practice.products.design.v1 import design_problems_service_pb2_grpc as problems_rpc

from tests.session_service.adapters.grpc.products.design.clients import DRAWN, Client
from tests.session_service.adapters.grpc.products.design.conftest import MakeProblem
from tests.session_service.clients import Metadata

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
EMPTY_HASH = "d41d8cd98f00b204e9800998ecf8427e"
NOT_FOUND = (404, {"detail": "Session not found"})
NO_PROBLEM = (404, {"detail": "Problem not found"})
FOREIGN = (403, {"detail": "Not authorized to access this session"})
LINE = {"role": "user", "content": "How should I handle caching?"}

# Every change of a session, with what it needs.
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("AutosaveSession", {"body": {"diagram_data": DRAWN, "time_spent": 9}}),
    ("PauseSession", {"time_spent": 9}),
    ("ResumeSession", {}),
    ("AddSessionMessage", LINE),
    ("AbandonSession", {}),
    ("SubmitSession", {}),
]
HIDDEN = {"AutosaveSession", "AbandonSession"}


def invalid(field: str, message: str, kind: str, place: str = "body") -> tuple[int, Any]:
    return 422, {"detail": [{"loc": [place, field], "msg": message, "type": kind}]}


async def test_opening_answers_201_and_the_whole_session(ana: Client, problem: str) -> None:
    session = await ana.open(problem)
    times = ("last_saved_at", "started_at", "created_at", "updated_at")
    assert session == {
        "id": session["id"],
        "user_id": "ana@example.com",
        "problem_id": problem,
        "diagram_data": {},
        "diagram_hash": EMPTY_HASH,
        "time_spent": 0,
        "status": "active",
        "chat_messages": [],
        "last_saved_at": session["started_at"],
        "started_at": session["started_at"],
        "ended_at": None,
        "created_at": session["started_at"],
        "updated_at": session["started_at"],
    }
    assert all(TIME.fullmatch(session[name]) for name in times)
    second = int(datetime.fromisoformat(session["started_at"]).timestamp())
    assert session["id"][:8] == f"{second:08x}"
    assert re.fullmatch(r"[0-9a-f]{24}", session["id"])


@pytest.mark.parametrize("paused", [False, True])
async def test_opening_again_resumes_the_open_session(ana: Client, problem: str, paused: bool) -> None:
    session = await ana.open(problem)
    if paused:
        session = await ana.ok("PauseSession", session_id=session["id"], time_spent=3)
    assert await ana.ok("OpenSession", problem_id=problem, status=200) == session


async def test_opening_after_an_end_starts_another(ana: Client, problem: str) -> None:
    first = await ana.open(problem)
    await ana.submit(first["id"])
    second = await ana.open(problem)
    await ana.ok("AbandonSession", session_id=second["id"], status=204)
    assert (await ana.open(problem))["id"] not in (first["id"], second["id"])


async def test_problems_that_do_not_exist_cannot_be_practised(
    ana: Client, problem: str, wrong_id: Callable[[str], list[str]]
) -> None:
    for problem_id in wrong_id(problem):
        assert await ana.refused("OpenSession", problem_id=problem_id) == NO_PROBLEM
    assert await ana.refused("OpenSession") == invalid("problem_id", "Field required", "missing")


async def test_sessions_that_do_not_exist_are_not_found(
    ana: Client, berta: Client, problem: str, wrong_id: Callable[[str], list[str]]
) -> None:
    session = await ana.open(problem)
    for session_id in wrong_id(session["id"]):
        for who in (ana, berta):
            for method, fields in [*CHANGES, ("GetSession", {})]:
                assert await who.refused(method, session_id=session_id, **fields) == NOT_FOUND
    assert await ana.ok("GetSession", session_id=session["id"]) == session


@pytest.mark.parametrize(("method", "fields"), [*CHANGES, ("GetSession", {})])
async def test_anothers_session_is_forbidden_or_hidden(
    ana: Client, berta: Client, problem: str, method: str, fields: dict[str, Any]
) -> None:
    session = await ana.open(problem)
    expected = NOT_FOUND if method in HIDDEN else FOREIGN
    assert await berta.refused(method, session_id=session["id"], **fields) == expected
    assert await ana.ok("GetSession", session_id=session["id"]) == session


@pytest.mark.parametrize(("method", "fields"), CHANGES)
@pytest.mark.parametrize("end", ["submitted", "abandoned"])
async def test_an_ended_session_takes_no_change(
    ana: Client, problem: str, end: str, method: str, fields: dict[str, Any]
) -> None:
    session = await ana.open(problem)
    ending = ("SubmitSession", 201) if end == "submitted" else ("AbandonSession", 204)
    await ana.ok(ending[0], session_id=session["id"], status=ending[1])
    before = await ana.ok("GetSession", session_id=session["id"])
    assert before["status"] == end
    assert TIME.fullmatch(before["ended_at"])

    refused = await ana.refused(method, session_id=session["id"], **fields)

    assert refused == (400, {"detail": f"Session already {end}"})
    assert await ana.ok("GetSession", session_id=session["id"]) == before


async def test_the_open_session_of_a_problem_is_found_or_null(
    ana: Client, berta: Client, problem: str, make_problem: MakeProblem
) -> None:
    assert await ana.text("GetActiveSession", problem_id=problem) == (200, "null")
    session = await ana.open(problem)
    assert await ana.ok("GetActiveSession", problem_id=problem) == session
    assert await berta.ok("GetActiveSession", problem_id=problem) is None
    assert await ana.ok("GetActiveSession", problem_id=await make_problem()) is None
    assert await ana.ok("GetActiveSession", problem_id="x") is None
    other_second = f"{int(problem[:8], 16) + 1:08x}{problem[8:]}"
    assert await ana.ok("GetActiveSession", problem_id=other_second) is None
    await ana.ok("AbandonSession", session_id=session["id"], status=204)
    assert await ana.ok("GetActiveSession", problem_id=problem) is None


async def test_pausing_keeps_the_larger_time_and_resuming_goes_on(ana: Client, problem: str) -> None:
    session_id = (await ana.open(problem))["id"]
    paused = await ana.ok("PauseSession", session_id=session_id, time_spent=600)
    assert (paused["status"], paused["time_spent"]) == ("paused", 600)
    assert paused["last_saved_at"] == paused["updated_at"]
    again = await ana.ok("PauseSession", session_id=session_id, time_spent=5)
    assert (again["status"], again["time_spent"]) == ("paused", 600)
    resumed = await ana.ok("ResumeSession", session_id=session_id)
    assert (resumed["status"], resumed["time_spent"]) == ("active", 600)
    assert await ana.ok("ResumeSession", session_id=session_id) == resumed
    assert await ana.refused("PauseSession", session_id=session_id) == invalid(
        "time_spent", "Field required", "missing"
    )
    assert (await ana.refused("PauseSession", session_id=session_id, time_spent=-1))[0] == 422


async def test_chat_grows_in_order(ana: Client, problem: str) -> None:
    session_id = (await ana.open(problem))["id"]
    await ana.ok("AddSessionMessage", session_id=session_id, **LINE)
    told = await ana.ok("AddSessionMessage", session_id=session_id, role="assistant", content="é" * 10_000)
    assert [set(line) for line in told["chat_messages"]] == [{"role", "content", "timestamp"}] * 2
    assert [line["role"] for line in told["chat_messages"]] == ["user", "assistant"]
    assert told["chat_messages"][1]["content"] == "é" * 10_000
    assert all(TIME.fullmatch(line["timestamp"]) for line in told["chat_messages"])


@pytest.mark.parametrize(
    ("fields", "field", "kind"),
    [
        ({"content": "x"}, "role", "missing"),
        ({"role": "system", "content": "x"}, "role", "enum"),
        ({"role": "user"}, "content", "missing"),
        ({"role": "user", "content": ""}, "content", "string_too_short"),
        ({"role": "user", "content": "x" * 10_001}, "content", "string_too_long"),
    ],
)
async def test_bad_chat_is_refused_for_sessions_and_submissions(
    ana: Client, problem: str, fields: dict[str, str], field: str, kind: str
) -> None:
    session_id = (await ana.open(problem))["id"]
    status, body = await ana.refused("AddSessionMessage", session_id=session_id, **fields)
    assert (status, body["detail"][0]["loc"], body["detail"][0]["type"]) == (422, ["body", field], kind)
    submission_id = (await ana.submit(session_id))["id"]
    told = await ana.refused("AddSubmissionMessage", submission_id=submission_id, **fields)
    assert told == (status, body)


async def test_my_sessions_are_whole_and_newest_first(
    ana: Client, berta: Client, make_problem: MakeProblem
) -> None:
    sessions = [await ana.open(await make_problem()) for _ in range(3)]
    await ana.save(sessions[1]["id"])
    await ana.ok("AddSessionMessage", session_id=sessions[1]["id"], **LINE)
    await ana.submit(sessions[0]["id"])
    whole = [await ana.ok("GetSession", session_id=each["id"]) for each in reversed(sessions)]

    assert await ana.ok("ListMySessions") == whole
    assert [each["status"] for each in whole] == ["active", "active", "submitted"]
    assert await ana.ok("ListMySessions", skip=1, limit=1) == whole[1:2]
    assert await ana.ok("ListMySessions", skip=3) == []
    assert await berta.ok("ListMySessions") == []


@pytest.mark.parametrize("method", ["ListMySessions", "ListMySubmissions"])
@pytest.mark.parametrize(("field", "value"), [("skip", -1), ("limit", 0), ("limit", 101)])
async def test_bounds_of_lists_are_checked(ana: Client, method: str, field: str, value: int) -> None:
    status, body = await ana.refused(method, **{field: value})
    assert (status, body["detail"][0]["loc"]) == (422, ["query", field])


async def test_a_list_of_large_diagrams_comes_whole_and_in_pieces(
    ana: Client, make_problem: MakeProblem
) -> None:
    diagram = {"text": "x" * 1_000_000}
    ids = []
    for _ in range(7):
        session = await ana.open(await make_problem())
        await ana.save(session["id"], diagram)
        ids.append(session["id"])

    listed = await ana.ok("ListMySessions")
    assert [each["id"] for each in listed] == ids[::-1]
    assert all(each["diagram_data"] == diagram for each in listed)

    part = await ana.ok("ListMySessions", skip=1, limit=5)
    assert [each["id"] for each in part] == ids[::-1][1:6]


async def test_a_deleted_problem_leaves_its_session_and_its_id(
    ana: Client, problem: str, problems: problems_rpc.DesignProblemsServiceAsyncStub, me: Metadata
) -> None:
    session = await ana.open(problem)
    await problems.DeleteProblem(problems_pb.DeleteProblemRequest(problem_id=problem), metadata=me)
    assert await ana.ok("GetSession", session_id=session["id"]) == session
    assert await ana.ok("GetActiveSession", problem_id=problem) == session
    submission = await ana.submit(session["id"])
    assert submission["problem_id"] == problem
    assert await ana.ok("GetSubmissionForProblem", problem_id=problem) == submission
    assert await ana.refused("OpenSession", problem_id=problem) == NO_PROBLEM
