"""The design product's document, replayed in its order through the gateway."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from tests.end_to_end.conftest import Learner, MakeLearner
from tests.end_to_end.documented import assert_like, assert_time

USERS, PROBLEMS = "/design/users", "/design/problems"
SUBMISSIONS, SESSIONS = "/design/submissions", "/design/sessions"
NO_DIAGRAM_HASH = "d41d8cd98f00b204e9800998ecf8427e"

USER = {
    "id": "507f1f77bcf86cd799439011",
    "first_name": "John",
    "last_name": "Doe",
    "email": "",
    "created_at": "2024-01-15T10:30:00Z",
}
STATEMENT = {
    "title": "Design a URL Shortener Service",
    "description": "A short address for a long one, for millions of requests a day.",
    "difficulty": "medium",
    "categories": ["Web Services", "Databases", "Caching"],
    "estimated_time": "45 mins",
    "requirements": ["Short addresses are unique", "A visit is sent on at once"],
    "constraints": ["A code has 6 to 8 characters"],
    "hints": ["Think of base62"],
}
PROBLEM = {
    "id": "507f1f77bcf86cd799439011",
    **STATEMENT,
    "created_by": "john.doe@example.com",
    "created_at": "2024-01-15T10:30:00Z",
    "updated_at": "2024-01-15T10:30:00Z",
}
EMPTY = {"elements": [], "appState": {}}
DRAWN = {
    "elements": [{"type": "rectangle", "x": 100, "y": 100, "width": 200, "height": 100}],
    "appState": {"viewBackgroundColor": "#ffffff"},
}
NO_FEEDBACK: dict[str, Any] = {"strengths": [], "improvements": [], "missing_components": []}
SUBMISSION = {
    "id": "507f1f77bcf86cd799439012",
    "user_id": "",
    "problem_id": "",
    "diagram_data": EMPTY,
    "score": 0,
    "time_spent": 0,
    "status": "in-progress",
    "feedback": NO_FEEDBACK,
    "chat_messages": [],
    "submitted_at": "2024-01-15T10:30:00Z",
    "updated_at": "2024-01-15T10:30:00Z",
}
LISTED = {name: SUBMISSION[name] for name in SUBMISSION if name not in ("diagram_data", "feedback")}
LISTED.pop("chat_messages")
SESSION = {
    "id": "507f1f77bcf86cd799439012",
    "user_id": "",
    "problem_id": "",
    "diagram_data": {},
    "diagram_hash": NO_DIAGRAM_HASH,
    "time_spent": 0,
    "status": "active",
    "chat_messages": [],
    "last_saved_at": "2024-01-15T10:30:00.000Z",
    "started_at": "2024-01-15T10:30:00.000Z",
    "ended_at": None,
    "created_at": "2024-01-15T10:30:00.000Z",
    "updated_at": "2024-01-15T10:30:00.000Z",
}
GENERATED = ("id", "last_saved_at", "started_at", "created_at", "updated_at", "submitted_at", "diagram_hash")


def check(answer: Any, shown: dict[str, Any], **values: Any) -> Any:
    """Asserts an answer's names and types as shown, and its values but for those made by the server."""
    assert_like(answer, {**shown, **values})
    known = {name: value for name, value in {**shown, **values}.items() if name not in GENERATED}
    assert_like(answer, known, values=True)
    assert list(answer) == list(shown)
    for name in ("id", "problem_id"):
        assert len(answer.get(name, "0" * 24)) == 24
    precision = "milliseconds" if shown is SESSION else "seconds"
    for name in (name for name in GENERATED if name.endswith("_at") and name in answer):
        assert_time(answer[name], precision)
    return answer


def check_chat(answer: Any, *lines: tuple[str, str]) -> None:
    assert [(line["role"], line["content"]) for line in answer["chat_messages"]] == list(lines)
    for line in answer["chat_messages"]:
        assert list(line) == ["role", "content", "timestamp"]
        assert_time(line["timestamp"], "milliseconds")


def make_problem(learner: Learner) -> str:
    return str(learner.ok("POST", f"{PROBLEMS}/", STATEMENT, status=201)["problem"]["id"])


def open_session(learner: Learner, problem: str, status: int = 201) -> Any:
    return learner.ok("POST", f"{SESSIONS}/", {"problem_id": problem}, status=status)


def refused(response: httpx.Response, status: int) -> Any:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    detail = response.json()["detail"]
    if status == 422 and isinstance(detail, list):
        assert all(set(each) == {"loc", "msg", "type"} for each in detail)
    else:
        assert isinstance(detail, str)
        assert detail
    return detail


def deleted(response: httpx.Response) -> None:
    assert (response.status_code, response.content) == (204, b"")


def test_the_users_api_runs_as_documented(anyone: httpx.Client) -> None:
    email = f"john.doe.{uuid.uuid4().hex[:10]}@example.com"
    names = {"first_name": "John", "last_name": "Doe", "email": email}
    password = "securePassword123"
    signed_up = anyone.post(f"{USERS}/signup", json={**names, "password": password})
    assert signed_up.status_code == 201
    assert signed_up.json()["message"] == "User created successfully"
    user = check(signed_up.json()["user"], USER, email=email)
    refused(anyone.post(f"{USERS}/signup", json={**names, "password": password}), 400)
    refused(anyone.post(f"{USERS}/signup", json={**names, "email": "no", "password": password}), 422)

    logged_in = anyone.post(f"{USERS}/login", data={"username": email, "password": password})
    assert logged_in.status_code == 200
    tokens = logged_in.json()
    assert_like(tokens, {"access_token": "", "refresh_token": "", "token_type": "", "expires_in": 0})
    assert (tokens["token_type"], tokens["expires_in"], tokens["user"]) == ("bearer", 86_400, user)
    refused(anyone.post(f"{USERS}/login", data={"username": email, "password": "another one"}), 401)

    fresh = anyone.post(f"{USERS}/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert_like(fresh.json(), {"token_type": "bearer", "expires_in": 86_400}, values=True)
    refused(anyone.post(f"{USERS}/refresh", json={"refresh_token": tokens["access_token"]}), 401)

    headers = {"Authorization": f"Bearer {fresh.json()['access_token']}"}
    assert anyone.get(f"{USERS}/me", headers=headers).json() == user
    refused(anyone.get(f"{USERS}/me"), 401)


def test_the_problems_api_runs_as_documented(make_learner: MakeLearner, anyone: httpx.Client) -> None:
    learner, stranger = make_learner("John"), make_learner("Berta")
    word = uuid.uuid4().hex
    statement = {**STATEMENT, "title": f"Design a URL Shortener {word}"}
    made = learner.ok("POST", f"{PROBLEMS}/", statement, status=201)
    assert made["message"] == "Problem created successfully"
    problem = check(made["problem"], PROBLEM, **statement, created_by=learner.email)
    one = f"{PROBLEMS}/{problem['id']}"
    assert anyone.get(one).json() == problem
    refused(anyone.get(f"{PROBLEMS}/507f1f77bcf86cd799439011"), 404)

    listed = anyone.get(f"{PROBLEMS}/?skip=0&limit=10").json()
    assert_like(listed, {"total": 1, "skip": 0, "limit": 10, "problems": [PROBLEM]})
    mine = learner.ok("GET", f"{PROBLEMS}/user/my-problems")
    assert mine == {"total": 1, "skip": 0, "limit": 100, "problems": [problem]}
    query = f"url+shortener+{word}"
    found = anyone.get(f"{PROBLEMS}/search/query?q={query}&skip=0&limit=10").json()
    shown = {"total": 1, "query": f"url shortener {word}", "skip": 0, "limit": 10, "problems": [problem]}
    assert found == shown
    refused(anyone.get(f"{PROBLEMS}/search/query"), 422)

    changes = {"title": "Updated Title", "difficulty": "hard", "hints": ["Updated hint"]}
    updated = learner.ok("PUT", one, changes)
    assert updated["message"] == "Problem updated successfully"
    check(updated["problem"], PROBLEM, **{**statement, **changes}, created_by=learner.email)
    refused(stranger.send("PUT", one, changes), 403)
    refused(stranger.send("DELETE", one), 404)
    deleted(learner.send("DELETE", one))
    refused(learner.send("DELETE", one), 404)


def test_the_submissions_api_runs_as_documented(make_learner: MakeLearner) -> None:
    learner, stranger = make_learner("John"), make_learner("Berta")
    problem = make_problem(learner)
    known = {"user_id": learner.email, "problem_id": problem}

    body = {"problem_id": problem, "diagram_data": EMPTY, "status": "in-progress"}
    made = learner.ok("POST", f"{SUBMISSIONS}/", body, status=201)
    assert made["message"] == "Submission created successfully"
    submission = check(made["submission"], SUBMISSION, **known)
    one = f"{SUBMISSIONS}/{submission['id']}"

    session = open_session(learner, problem)
    saved = {"diagram_data": DRAWN, "time_spent": 1200}
    learner.ok("PUT", f"{SESSIONS}/{session['id']}/autosave", saved)
    said = [("user", "How should I handle caching?"), ("assistant", "Consider using Redis...")]
    for role, content in said:
        learner.ok("POST", f"{SESSIONS}/{session['id']}/chat", {"role": role, "content": content})
    from_session = f"{SUBMISSIONS}/from-session/{session['id']}"
    refused(stranger.send("POST", from_session), 403)
    handed_in = learner.ok("POST", from_session, status=201)
    assert handed_in["message"] == "Submission created from session successfully"
    shown = {**known, "diagram_data": DRAWN, "time_spent": 1200, "status": "completed"}
    del shown["problem_id"]
    second = check(
        handed_in["submission"],
        SUBMISSION,
        **shown,
        problem_id=problem,
        chat_messages=handed_in["submission"]["chat_messages"],
    )
    check_chat(second, *said)
    assert refused(learner.send("POST", from_session), 400) == "Session already submitted"
    refused(learner.send("POST", f"{SUBMISSIONS}/from-session/507f1f77bcf86cd799439013"), 404)

    assert learner.ok("GET", one) == submission
    refused(stranger.send("GET", one), 403)
    refused(learner.send("GET", f"{SUBMISSIONS}/507f1f77bcf86cd799439012"), 404)

    mine = learner.ok("GET", f"{SUBMISSIONS}/user/my-submissions")
    assert (mine["total"], mine["skip"], mine["limit"]) == (2, 0, 100)
    check(mine["submissions"][0], LISTED, **known, time_spent=1200, status="completed")
    check(mine["submissions"][1], LISTED, **known)
    part = learner.ok("GET", f"{SUBMISSIONS}/user/my-submissions?skip=1&limit=1")
    assert part == {"total": 2, "skip": 1, "limit": 1, "submissions": mine["submissions"][1:]}

    assert learner.ok("GET", f"{SUBMISSIONS}/problem/{problem}") == second
    refused(stranger.send("GET", f"{SUBMISSIONS}/problem/{problem}"), 404)

    feedback = {
        "strengths": ["Excellent scalability design"],
        "improvements": ["Add monitoring and alerting"],
        "missing_components": [],
    }
    changes = {
        "diagram_data": DRAWN,
        "score": 90,
        "time_spent": 3000,
        "status": "completed",
        "feedback": feedback,
    }
    updated = learner.ok("PUT", one, changes)
    assert updated["message"] == "Submission updated successfully"
    check(updated["submission"], SUBMISSION, **known, **changes)
    refused(stranger.send("PUT", one, changes), 403)

    line = {"role": "user", "content": "Can you explain how to scale this better?"}
    told = learner.ok("POST", f"{one}/chat", line)
    assert told["message"] == "Chat message added successfully"
    assert told["submission"]["id"] == submission["id"]
    check_chat(told["submission"], ("user", line["content"]))
    refused(stranger.send("POST", f"{one}/chat", line), 403)

    refused(stranger.send("DELETE", one), 404)
    deleted(learner.send("DELETE", one))
    refused(learner.send("DELETE", one), 404)
    refused(learner.send("GET", one), 404)


def test_the_sessions_api_runs_as_documented(make_learner: MakeLearner) -> None:
    learner, stranger = make_learner("John"), make_learner("Berta")
    problem = make_problem(learner)
    known: dict[str, Any] = {"user_id": learner.email, "problem_id": problem}
    active = f"{SESSIONS}/problem/{problem}"
    assert learner.send("GET", active).text == "null"

    session = check(open_session(learner, problem), SESSION, **known)
    assert session["diagram_hash"] == NO_DIAGRAM_HASH
    one = f"{SESSIONS}/{session['id']}"
    assert open_session(learner, problem, status=200) == session
    assert learner.ok("GET", one) == session
    refused(stranger.send("GET", one), 403)
    refused(learner.send("GET", f"{SESSIONS}/507f1f77bcf86cd799439012"), 404)
    assert learner.ok("GET", active) == session
    assert stranger.ok("GET", active) is None

    body = {"diagram_data": DRAWN, "time_spent": 120}
    saved = check(learner.ok("PUT", f"{one}/autosave", body), SESSION, **known, **body)
    assert saved["diagram_hash"] != NO_DIAGRAM_HASH
    refused(stranger.send("PUT", f"{one}/autosave", body), 404)
    known = {**known, "diagram_data": DRAWN}

    paused = learner.ok("PUT", f"{one}/pause", {"time_spent": 600})
    known["time_spent"] = 600
    check(paused, SESSION, **known, status="paused")
    refused(stranger.send("PUT", f"{one}/pause", {"time_spent": 600}), 403)
    check(learner.ok("PUT", f"{one}/resume"), SESSION, **known)
    refused(stranger.send("PUT", f"{one}/resume"), 403)

    line = {"role": "user", "content": "How should I implement load balancing?"}
    told = learner.ok("POST", f"{one}/chat", line)
    check(told, SESSION, **known, chat_messages=told["chat_messages"])
    check_chat(told, ("user", line["content"]))
    refused(stranger.send("POST", f"{one}/chat", line), 403)

    refused(stranger.send("DELETE", one), 404)
    deleted(learner.send("DELETE", one))
    assert learner.send("GET", active).text == "null"
    refused(learner.send("DELETE", one), 400)
    second = open_session(learner, problem)
    learner.ok("POST", f"{SUBMISSIONS}/from-session/{second['id']}", status=201)

    mine = learner.ok("GET", f"{SESSIONS}/user/my-sessions")
    assert [each["status"] for each in mine] == ["submitted", "abandoned"]
    assert all(list(each) == list(SESSION) for each in mine)
    assert_time(mine[0]["ended_at"], "milliseconds")
    assert learner.ok("GET", f"{SESSIONS}/user/my-sessions?skip=1&limit=1") == mine[1:]


def test_a_diagram_comes_back_as_it_was_sent(learner: Learner) -> None:
    one = f"{SESSIONS}/{open_session(learner, make_problem(learner))['id']}"
    numbers = "[1e400, -0.0, 123456789012345678901234567890, 1E5]"
    diagram = f'{{"z": 1.0, "a": {numbers}, "é": "\\u00e9 \\ud83d\\ude00 <b>"}}'
    body = f'{{"time_spent": 1, "diagram_data": {diagram}}}'.encode()
    assert f'"diagram_data":{diagram},' in learner.send("PUT", f"{one}/autosave", body).text
    assert f'"diagram_data":{diagram},' in learner.send("GET", one).text


@pytest.mark.parametrize(("spare", "status"), [(0, 200), (-1, 413)])
def test_a_diagram_has_at_most_a_mebibyte(learner: Learner, spare: int, status: int) -> None:
    one = f"{SESSIONS}/{open_session(learner, make_problem(learner))['id']}"
    diagram = json.dumps({"a": "x" * (1024 * 1024 - len('{"a": ""}') - spare)})
    response = learner.send("PUT", f"{one}/autosave", f'{{"diagram_data":{diagram},"time_spent":1}}'.encode())
    assert response.status_code == status, response.text[:300]
    if status == 413:
        refused(response, 413)
    else:
        assert response.json()["diagram_data"] == json.loads(diagram)


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'{"diagram_data": [], "time_spent": 1}', b"\xff"])
def test_a_body_that_cannot_be_read_is_refused_in_the_products_shape(learner: Learner, body: bytes) -> None:
    one = f"{SESSIONS}/{open_session(learner, make_problem(learner))['id']}"
    detail = refused(learner.send("PUT", f"{one}/autosave", body), 422)
    assert detail[0]["loc"][0] == "body"


def test_the_version_edited_is_honoured(learner: Learner) -> None:
    session = open_session(learner, make_problem(learner))
    save = f"{SESSIONS}/{session['id']}/autosave"
    edited = {"If-Match": f'"{session["diagram_hash"]}"'}
    body = {"diagram_data": DRAWN, "time_spent": 5}
    assert learner.send("PUT", save, body, **edited).status_code == 200
    refused(learner.send("PUT", save, {**body, "diagram_data": EMPTY}, **edited), 412)
    assert learner.ok("GET", f"{SESSIONS}/{session['id']}")["diagram_data"] == DRAWN


def test_a_key_used_again_gets_the_first_answer(learner: Learner) -> None:
    one = open_session(learner, make_problem(learner))["id"]
    path, key = f"{SUBMISSIONS}/from-session/{one}", {"Idempotency-Key": uuid.uuid4().hex}
    first = learner.ok("POST", path, status=201, **key)
    assert learner.ok("POST", path, status=201, **key) == first
    assert learner.ok("GET", f"{SUBMISSIONS}/user/my-submissions")["total"] == 1


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "skip=-1", "limit=many"])
@pytest.mark.parametrize("path", [f"{SESSIONS}/user/my-sessions", f"{SUBMISSIONS}/user/my-submissions"])
def test_bounds_of_lists_are_checked(learner: Learner, path: str, query: str) -> None:
    detail = refused(learner.send("GET", f"{path}?{query}"), 422)
    assert detail[0]["loc"] == ["query", query.partition("=")[0]]


def test_a_deleted_problem_leaves_its_sessions_and_submissions(learner: Learner) -> None:
    problem = make_problem(learner)
    session = open_session(learner, problem)
    deleted(learner.send("DELETE", f"{PROBLEMS}/{problem}"))
    one = f"{SESSIONS}/{session['id']}"
    assert learner.ok("GET", one)["problem_id"] == problem
    made = learner.ok("POST", f"{SUBMISSIONS}/from-session/{session['id']}", status=201)["submission"]
    assert made["problem_id"] == problem
    assert learner.ok("GET", f"{SUBMISSIONS}/problem/{problem}") == made
    refused(learner.send("POST", f"{SESSIONS}/", {"problem_id": problem}), 404)
