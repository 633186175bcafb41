"""The design product's client, whose log-in is that of any OAuth2 library."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

import httpx
import pytest

from deploy.local.stack import LocalStack
from tests.clients.running import run_program
from tests.end_to_end.documented import assert_like

BOX = {"type": "rectangle", "x": 100, "y": 100.0, "width": 2e2, "label": "Größe \U0001f600 </script>"}
DIAGRAMS: list[dict[str, Any]] = [
    {"elements": [], "appState": {}},
    {"elements": [BOX], "appState": {"viewBackgroundColor": "#ffffff"}},
    {"elements": [BOX], "appState": {"viewBackgroundColor": "#ffffff"}},
]
PROBLEM = {
    "title": "Design a lift",
    "description": "For a tall house.",
    "difficulty": "easy",
    "categories": ["Scheduling"],
    "estimated_time": "30 mins",
    "requirements": ["Nobody waits for ever"],
    "constraints": ["Two cabins"],
    "hints": ["Think of the morning"],
}
EMPTY_HASH = "d41d8cd98f00b204e9800998ecf8427e"
USER = {"id": "", "first_name": "Ana", "last_name": "Gil", "email": "", "created_at": ""}


@pytest.fixture(scope="module")
def told(stack: LocalStack) -> Any:
    """What the client saw from its sign-up to its last call."""
    email, password = f"ana.{uuid.uuid4().hex[:12]}@example.com", uuid.uuid4().hex
    given: dict[str, Any] = {"email": email, "password": password, "query": "url+shortener"}
    given |= {"diagrams": DIAGRAMS, "problem": PROBLEM}
    answers = run_program("design_client", {"baseUrl": stack.gateway_url, "token": ""}, given=given)
    return {**answers, "email": email}


def digest(diagram: dict[str, Any]) -> str:
    canonical = json.dumps(diagram, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.md5(canonical.encode(), usedforsecurity=False).hexdigest()


def test_every_step_is_answered_with_its_documented_status(told: Any) -> None:
    statuses = {name: step["status"] for name, step in told.items() if "status" in step}
    created = ["signup", "open", "submit", "create problem", "try", "submit by hand"]
    emptied = ["abandon", "delete submission", "delete problem"]
    refused = {"stale autosave": 412, "get deleted problem": 404, "refresh after logout": 401}
    others = {**dict.fromkeys(created, 201), **dict.fromkeys(emptied, 204), **refused}
    assert statuses == {name: others.get(name, 200) for name in statuses}
    assert set(others) <= set(statuses)
    assert [told[name]["answer"] for name in emptied] == [None] * 3


def test_the_log_in_of_a_library_gets_the_documented_tokens(told: Any) -> None:
    user = {**USER, "email": told["email"]}
    assert_like(told["token"], {"access_token": "", "refresh_token": "", "user": user})
    assert (told["token"]["token_type"], told["token"]["expires_in"]) == ("bearer", 86_400)
    assert told["me"]["answer"] == told["token"]["user"] == told["signup"]["answer"]["user"]


def test_the_diagram_comes_back_as_it_was_sent_with_its_hash(told: Any) -> None:
    opened = told["open"]["answer"]
    assert (opened["diagram_data"], opened["diagram_hash"], opened["time_spent"]) == ({}, EMPTY_HASH, 0)
    for number, diagram in enumerate(DIAGRAMS, start=1):
        saved = told[f"autosave {number}"]["answer"]
        assert json.dumps(saved["diagram_data"]) == json.dumps(diagram)
        assert (saved["diagram_hash"], saved["time_spent"]) == (digest(diagram), 10 * number)
    assert told["get session"]["answer"]["diagram_data"] == DIAGRAMS[-1]


def test_leaving_and_coming_back_changes_the_status_and_keeps_the_time(told: Any) -> None:
    paused, again, resumed = (told[name]["answer"] for name in ("pause", "open again", "resume"))
    assert (paused["status"], paused["time_spent"]) == ("paused", 40)
    assert again["id"] == told["open"]["answer"]["id"]
    assert (resumed["status"], resumed["time_spent"]) == ("active", 40)


def test_the_submission_holds_the_work_and_the_conversation(told: Any) -> None:
    submission = told["submit"]["answer"]["submission"]
    feedback: dict[str, list[str]] = {"strengths": [], "improvements": [], "missing_components": []}
    shown = {"user_id": told["email"], "status": "completed", "score": 0, "feedback": feedback}
    assert_like(submission, {**shown, "time_spent": 40, "diagram_data": DIAGRAMS[-1]}, values=True)
    (line,) = submission["chat_messages"]
    assert_like(line, {"role": "user", "content": "How do I shard this?"}, values=True)
    assert told["read"]["answer"] == told["read by problem"]["answer"] == submission
    assert told["open session"]["answer"] is None


def test_a_submission_is_marked_and_discussed(told: Any) -> None:
    marked, discussed = (told[name]["answer"]["submission"] for name in ("mark", "discuss"))
    assert (marked["score"], marked["feedback"]["strengths"]) == (90, ["Simple"])
    assert marked["diagram_data"] == DIAGRAMS[-1]
    assert [line["role"] for line in discussed["chat_messages"]] == ["user", "assistant"]
    mine = told["my submissions"]["answer"]
    assert_like(mine, {"total": 1, "skip": 0, "limit": 10}, values=True)
    assert_like(mine["submissions"], [{"id": marked["id"], "score": 90}], values=True)


def test_a_problem_is_written_changed_and_taken_back(told: Any) -> None:
    made = told["create problem"]["answer"]["problem"]
    assert_like(made, {**PROBLEM, "created_by": told["email"]}, values=True)
    assert told["list problems"]["answer"]["problems"] == [made]
    assert told["my problems"]["answer"]["problems"] == [made]
    changed = told["get problem"]["answer"]
    assert changed == told["update problem"]["answer"]["problem"]
    assert_like(changed, {**PROBLEM, "difficulty": "hard"}, values=True)


def test_a_refreshed_token_goes_on_and_the_refresh_token_opens_nothing(told: Any, stack: LocalStack) -> None:
    assert_like(told["refresh"]["answer"], {"access_token": "", "token_type": "", "expires_in": 0})
    sessions = told["my sessions"]["answer"]
    assert [session["status"] for session in sessions] == ["abandoned", "submitted"]
    bearer = {"Authorization": f"Bearer {told['token']['refresh_token']}"}
    answer = httpx.get(f"{stack.gateway_url}/design/users/me", headers=bearer)
    assert answer.status_code == 401
    assert_like(answer.json(), {"detail": "..."})
