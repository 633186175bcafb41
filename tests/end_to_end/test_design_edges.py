"""The design product where it is hard: bytes, ids, many at once, the same call again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.stack import Learner, open_client

SESSIONS, SUBMISSIONS = "/design/sessions", "/design/submissions"
NOBODYS = "507f1f77bcf86cd799439011"


@pytest.fixture(scope="module")
def problem(stack: Any) -> str:
    """The id of a shipped problem."""
    with open_client(stack.gateway_url) as client:
        listed = client.get("/design/problems/", params={"limit": 1}).json()
    return str(listed["problems"][0]["id"])


def open_session(learner: Learner, problem: str, status: int = 201) -> Any:
    return learner.ok("POST", f"{SESSIONS}/", {"problem_id": problem}, status=status)


def autosave(learner: Learner, session_id: str, diagram: Any, seconds: int = 0, **headers: str) -> Any:
    body = {"diagram_data": diagram, "time_spent": seconds}
    return learner.ok("PUT", f"{SESSIONS}/{session_id}/autosave", body, **headers)


def refused(response: httpx.Response, status: int) -> Any:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()["detail"]


def test_an_id_of_another_second_is_unknown(learner: Learner, problem: str) -> None:
    session = open_session(learner, problem)["id"]
    moved = f"{int(session[:8], 16) - 1:08x}{session[8:]}"
    refused(learner.send("GET", f"{SESSIONS}/{moved}"), 404)
    elsewhere = f"{int(problem[:8], 16) + 1:08x}{problem[8:]}"
    for unknown in (elsewhere, NOBODYS, "x"):
        assert refused(learner.send("POST", SESSIONS, {"problem_id": unknown}), 404) == "Problem not found"
        body = {"problem_id": unknown, "diagram_data": {}}
        assert refused(learner.send("POST", SUBMISSIONS, body), 404) == "Problem not found"
        assert learner.ok("GET", f"{SESSIONS}/problem/{unknown}") is None
    assert learner.ok("GET", f"{SESSIONS}/{session.upper()}")["id"] == session


def test_a_diagram_comes_back_to_the_byte(learner: Learner, problem: str) -> None:
    session = open_session(learner, problem)["id"]
    diagram = (
        '{ "z":1.0, "a" : [1e400,-0,-0.0,1E5,0.1000000000000000055511151231257827,'
        f'{"9" * 60}], "\\u00e9":"é\\ud83d\\ude00\\/\\ud800", "a":{{"dup":1,"dup":2}} }}'
    )
    body = f'{{"time_spent": 7.0, "other": [[]], "diagram_data":{diagram}}}'.encode()
    saved = learner.send("PUT", f"{SESSIONS}/{session}/autosave", body)
    assert saved.status_code == 200, saved.text
    assert saved.headers["etag"] == f'"{saved.json()["diagram_hash"]}"'
    submitted = learner.send("POST", f"{SUBMISSIONS}/from-session/{session}")
    listed = learner.send("GET", f"{SESSIONS}/user/my-sessions")
    assert listed.headers["content-type"].startswith("application/json")
    for answer in (saved, submitted, listed, learner.send("GET", f"{SESSIONS}/{session}")):
        assert f'"diagram_data":{diagram}' in answer.content.decode()


def test_many_large_diagrams_are_listed_at_once(learner: Learner) -> None:
    shown = learner.ok("GET", "/design/problems?limit=8")["problems"]
    for number, each in enumerate(shown):
        session = open_session(learner, each["id"])["id"]
        autosave(learner, session, {"a": f"{number}" * (1024 * 1024 - 8)})
    listed = learner.ok("GET", f"{SESSIONS}/user/my-sessions")
    assert [each["diagram_data"]["a"][0] for each in listed] == [
        str(number) for number in reversed(range(len(shown)))
    ]


def test_of_many_opens_and_submits_at_once_one_wins(learner: Learner, problem: str) -> None:
    # Fewer at once than the documents an account may have under way.
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: learner.send("POST", SESSIONS, {"problem_id": problem}), range(8)))
        assert sorted(each.status_code for each in opened) == [200] * 7 + [201]
        (session,) = {each.json()["id"] for each in opened}
        path = f"{SUBMISSIONS}/from-session/{session}"
        submitted = list(pool.map(lambda _: learner.send("POST", path), range(8)))
    assert sorted(each.status_code for each in submitted) == [201] + [400] * 7
    assert learner.ok("GET", f"{SUBMISSIONS}/user/my-submissions")["total"] == 1
    assert learner.ok("GET", "/v1/standing?product=design")["totals"]["session_count"] == 1


def test_a_repeat_with_its_key_gets_the_first_answer(learner: Learner, problem: str) -> None:
    session = open_session(learner, problem)["id"]
    calls: list[tuple[str, str, Any, int]] = [
        ("PUT", f"{SESSIONS}/{session}/autosave", {"diagram_data": {"a": 1.0}, "time_spent": 9}, 200),
        ("POST", f"{SESSIONS}/{session}/chat", {"role": "user", "content": "Why?"}, 200),
        ("PUT", f"{SESSIONS}/{session}/pause", {"time_spent": 10}, 200),
        ("PUT", f"{SESSIONS}/{session}/resume", None, 200),
        ("POST", f"{SUBMISSIONS}/from-session/{session}", None, 201),
    ]
    answers = []
    for number, (method, path, body, status) in enumerate(calls):
        key = {"Idempotency-Key": f"{session}-{number}"}
        answers.append(learner.ok(method, path, body, status=status, **key))
        assert learner.ok(method, path, body, status=status, **key) == answers[-1]
    for number, (method, path, body, status) in enumerate(calls):
        key = {"Idempotency-Key": f"{session}-{number}"}
        assert learner.ok(method, path, body, status=status, **key) == answers[number]
    assert learner.ok("GET", f"{SUBMISSIONS}/user/my-submissions")["total"] == 1
