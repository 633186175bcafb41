"""What operators do over REST at their own listener, each endpoint at least once."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from deploy.local.stack import LocalStack
from tests.canonical_errors import error_of, reason_of
from tests.end_to_end.conftest import Learner
from tests.end_to_end.focusing import focus_streak, practised
from tests.stack import open_client
from tests.waiting import eventually

NOBODY = "00000000-0000-4000-8000-000000000000"
# What the relay published, the stats service has; only the outbox is made to believe that it was given up.
GIVEN_UP = """
    UPDATE session.outbox SET acked_at = NULL, dead_at = now(), last_error = 'tried by a test'
    WHERE user_id = %s AND kind = 'session_ended' AND acked_at IS NOT NULL RETURNING event_id::text
"""
REPAIR = {"actor": "sam", "reason": "our outage", "product": "focus"}


class Operator:
    """Somebody with the platform's internal token."""

    def __init__(self, url: str, token: str) -> None:
        self.client = open_client(url, **{"x-practice-internal": token})

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        response = self.client.request(method, f"/admin/v1/{path}", json=body)
        assert response.status_code == 200, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def refused(self, method: str, path: str, body: Any = None, content: bytes | None = None) -> Any:
        """Returns the status and reason of a canonical error."""
        response = self.client.request(method, f"/admin/v1/{path}", json=body, content=content)
        return response.status_code, reason_of(response)


@pytest.fixture
def operators_url(stack: LocalStack) -> str:
    return f"http://127.0.0.1:{stack.settings.ports.gateway_operators}"


@pytest.fixture
def token(stack: LocalStack) -> str:
    return (stack.layout.secrets / "internal_token").read_text().strip()


@pytest.fixture
def operator(operators_url: str, token: str) -> Iterator[Operator]:
    operator = Operator(operators_url, token)
    yield operator
    operator.client.close()


def complete_focus(learner: Learner) -> None:
    """Has a learner practise and waits until it is counted."""
    session = learner.ok("POST", "/focus/api/v1/sessions", {"duration_seconds": 60}, status=201)["data"]["id"]
    end = {"elapsed_seconds": 60, "status": "completed"}
    learner.ok("PATCH", f"/focus/api/v1/sessions/{session}/end", end)
    eventually(lambda: focus_streak(learner))


def test_the_right_token_opens_the_operators_listener_and_nothing_opens_the_public_one(
    operators_url: str, operator: Operator, token: str, learner: Learner, anyone: httpx.Client
) -> None:
    path = "/admin/v1/outbox"
    assert operator.ok("GET", "outbox")
    strangers = open_client(operators_url)
    none = strangers.get(path, headers={"authorization": learner.client.headers["authorization"]})
    assert (none.status_code, reason_of(none)) == (401, "TOKEN_INVALID")
    assert "x-practice-internal" in error_of(none)["message"]
    for wrong in ("guess", "", token[:-1], learner.tokens["access_token"]):
        refused = strangers.get(path, headers={"x-practice-internal": wrong})
        assert (refused.status_code, reason_of(refused)) == (403, "NOT_PERMITTED")
    public = learner.send("GET", path, **{"x-practice-internal": token})
    assert (public.status_code, reason_of(public)) == (404, "PATH_NOT_FOUND")
    assert anyone.get(path, headers={"x-practice-internal": token}).status_code == 404
    strangers.close()


def test_a_badge_is_tried_loaded_and_listed(operator: Operator, learner: Learner) -> None:
    complete_focus(learner)
    badge_id = f"tried-{uuid.uuid4().hex[:8]}"
    badge = {
        "badge_id": badge_id,
        "name": "Tried",
        "description": "Focus once.",
        "icon": "🧪",
        "product": "focus",
        "condition": "focus.sessions >= 1",
        "state": "BADGE_STATE_INACTIVE",
    }
    tried = operator.ok("POST", "badges:dryRun", {"badge_definition": badge})
    assert learner.account["user_id"] in [earner["user_id"] for earner in tried["earners"]]
    assert tried["holder_count"] == 0
    for counted in ("created_count", "unchanged_count"):
        assert operator.ok("POST", "badges:load", {"badge_definitions": [badge]})[counted] == 1
    page = operator.ok("GET", f"badges?badge_id={badge_id}")
    assert [version["definition"] for version in page["versions"]] == [
        {**badge, "version": 1, "first_date": "", "last_date": "", "hidden": False}
    ]
    first = operator.ok("GET", "badges?newest_only=true&page_size=1")
    second = operator.ok("GET", f"badges?newest_only=true&page_size=1&page_token={first['next_page_token']}")
    assert first["versions"] != second["versions"]
    wrong = {**badge, "condition": "focus.smiles >= 1"}
    assert operator.refused("POST", "badges:load", {"badge_definitions": [wrong]}) == (400, "FIELD_INVALID")


def test_somebodys_break_is_explained_and_made_up_for(
    stack: LocalStack, operator: Operator, learner: Learner
) -> None:
    today = practised(stack, learner, 2, 3)
    missed = (today - timedelta(days=1)).isoformat()
    user = f"users/{learner.account['user_id']}"
    query = f"question.product=focus&question.date={missed}"
    why = operator.ok("GET", f"{user}/streaks:explainBreak?{query}")
    assert (why["verdict"], why["run"]["length"]) == ("VERDICT_BROKE", 2)
    assert (
        why["paragraph"]
        == learner.ok("GET", f"/v1/streaks:explainBreak?product=focus&date={missed}")["paragraph"]
    )

    once = {**REPAIR, "date": missed, "request_id": uuid.uuid4().hex}
    repaired = operator.ok("POST", f"{user}/streaks:repair", once)
    assert operator.ok("POST", f"{user}/streaks:repair", once) == repaired
    again = operator.refused("POST", f"{user}/streaks:repair", {**REPAIR, "date": missed})
    assert again == (400, "REPAIR_NOT_NEEDED")
    assert focus_streak(learner)["day"]["current"] == 3
    granted = operator.ok("POST", f"{user}/freezes:grant", REPAIR)
    assert learner.ok("GET", "/v1/freezes?product=focus")["held"] == 1
    entries = operator.ok("GET", f"{user}/streakEntries")["entries"]
    assert entries[:2] == [granted, repaired]
    assert (repaired["kind"], repaired["actor"], repaired["reason"]) == ("KIND_REPAIRED", "sam", "our outage")

    explained = operator.ok("GET", f"{user}/streaks:explain?question.product=focus&question.page_size=3")
    assert [day["status"] for day in explained["days"]][-1] == "STATUS_KEPT"
    total = operator.ok("GET", f"{user}/totals:explain?question.product=focus")
    assert total["totals"]["session_count"] == 3
    badge = operator.ok("GET", f"{user}/badges/focus-first-session:explain")
    assert badge["earned"]
    assert operator.refused("GET", f"{user}/badges/none:explain") == (404, "BADGE_NOT_FOUND")


def test_a_recalculation_is_started_followed_and_done(
    stack: LocalStack, operator: Operator, learner: Learner
) -> None:
    complete_focus(learner)
    user = learner.account["user_id"]
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        database.execute("UPDATE stats.standing SET session_count = 41 WHERE user_id = %s", [int(user)])

    def follow(job: Any) -> Any:
        path = f"recalculations/{job['job_id']}"
        return eventually(lambda: (now := operator.ok("GET", path)).get("finish_time") and now)

    shadow = follow(operator.ok("POST", "recalculations", {"user_ids": [user], "shadow": True}))
    assert (shadow["wrong_learner_count"], shadow["changed_row_count"]) == ("1", "0")
    path = f"recalculations/{shadow['job_id']}"
    (person,) = operator.ok("GET", f"{path}/differences?page_size=5")["user_differences"]
    assert person["user_id"] == user
    assert {row["table"] for row in person["rows"]} == {"standing"}

    done = follow(operator.ok("POST", "recalculations", {"user_ids": [user], "deep": True}))
    assert int(done["changed_row_count"]) >= 1
    assert learner.ok("GET", "/v1/standing?product=focus")["totals"]["session_count"] == 1
    assert operator.ok("GET", "recalculations:latest") == done
    for verb in ("cancel", "resume"):
        assert operator.ok("POST", f"recalculations/{done['job_id']}:{verb}", {}) == done
        nobodys = operator.refused("POST", f"recalculations/{NOBODY}:{verb}", {})
        assert nobodys == (404, "RECALCULATION_NOT_FOUND")


def test_a_reconciliation_heals_what_was_lost(
    stack: LocalStack, operator: Operator, learner: Learner
) -> None:
    complete_focus(learner)
    user = learner.account["user_id"]
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        acked = "SELECT 1 FROM session.outbox WHERE user_id = %s AND acked_at IS NULL"
        eventually(lambda: not database.execute(acked, [int(user)]).fetchone())
        database.execute("DELETE FROM stats.completion WHERE user_id = %s", [int(user)])
    asked = {"scope": "RECONCILIATION_SCOPE_USERS", "user_ids": [user], "settle": "0s"}
    run = operator.ok("POST", "reconciliations", asked)["run_id"]
    assert operator.ok("GET", "reconciliations:latest")["run_id"] == run
    done = eventually(
        lambda: (now := operator.ok("GET", f"reconciliations/{run}"))["whole_count"] == "1" and now
    )
    assert done["different_count"] == "1"
    (person,) = operator.ok("GET", f"reconciliations/{run}/learners")["learners"]
    assert (person["user_id"], person["whole"], person["counts"]["arrived_count"]) == (user, True, "1")
    assert operator.refused("GET", f"reconciliations/{NOBODY}") == (404, "RECONCILIATION_NOT_FOUND")


def test_dead_letters_are_counted_listed_and_requeued(
    stack: LocalStack, operator: Operator, learner: Learner
) -> None:
    complete_focus(learner)
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        (event_id,) = eventually(
            lambda: database.execute(GIVEN_UP, [int(learner.account["user_id"])]).fetchone()
        )
    assert int(operator.ok("GET", "outbox")["dead_letter_count"]) >= 1
    letter = operator.ok("GET", "deadLetters?page_size=1")["dead_letters"][0]
    assert (letter["event_id"], letter["last_error"]) == (event_id, "tried by a test")
    for requeued in ("1", "0"):
        answer = operator.ok("POST", "deadLetters:requeue", {"event_ids": [event_id]})
        assert answer["requeued_count"] == requeued
    left = [each["event_id"] for each in operator.ok("GET", "deadLetters")["dead_letters"]]
    assert event_id not in left


def test_a_person_is_found_by_address_and_by_number(operator: Operator, learner: Learner) -> None:
    found = operator.ok("POST", "accounts:find", {"email": learner.email.upper()})
    assert found == learner.account
    assert operator.ok("POST", "accounts:find", {"user_id": learner.account["user_id"]}) == found
    nobody = operator.refused("POST", "accounts:find", {"email": "nobody@example.com"})
    assert nobody == (404, "ACCOUNT_NOT_FOUND")
    assert operator.refused("POST", "accounts:find", {}) == (400, "FIELD_INVALID")


def test_a_person_is_exported_and_erased(operator: Operator, learner: Learner, tmp_path: Path) -> None:
    user = f"users/{learner.account['user_id']}"
    archive = operator.client.get(f"/admin/v1/{user}:export")
    assert (archive.status_code, archive.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
        assert learner.email in json.dumps(json.loads(files.read("identity/account.json")))
    operator.ok("POST", f"{user}:erase", {})
    receipt = eventually(lambda: (now := operator.ok("POST", f"{user}:erase", {}))["complete"] and now)
    assert operator.ok("GET", f"erasures/{receipt['receipt_id']}") == receipt
    assert receipt["account_number"] == learner.account["user_id"]
    assert operator.refused("GET", f"{user}:export") == (404, "ACCOUNT_NOT_FOUND")
    assert operator.refused("GET", f"erasures/{NOBODY}") == (404, "RECEIPT_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "body", "error"),
    [
        ("POST", "badges:load", {"badge_definitions": []}, (400, "FIELD_INVALID")),
        ("POST", "badges:dryRun", {}, (400, "FIELD_INVALID")),
        ("POST", "users/0/freezes:grant", REPAIR, (400, "FIELD_INVALID")),
        ("POST", "users/7/streaks:repair", {**REPAIR, "date": "yesterday"}, (400, "FIELD_INVALID")),
        ("POST", "users/7/streaks:repair", {"date": "2026-05-15"}, (400, "FIELD_INVALID")),
        ("GET", "users/7/streaks:explainBreak", None, (400, "FIELD_INVALID")),
        ("GET", "users/ana/streaks:explain", None, (400, "REQUEST_MALFORMED")),
        ("GET", "users/7/streaks:explain?product=focus", None, (400, "REQUEST_MALFORMED")),
        ("POST", "recalculations", {"user_ids": ["ana"]}, (400, "REQUEST_MALFORMED")),
        ("POST", "recalculations", {"user_id": 7}, (400, "FIELD_INVALID")),
        ("GET", "recalculations/newest", None, (400, "FIELD_INVALID")),
        ("GET", f"recalculations/{NOBODY}/differences?page_token=x", None, (400, "PAGE_TOKEN_INVALID")),
        ("POST", "reconciliations", {"scope": "RECONCILIATION_SCOPE_USERS"}, (400, "FIELD_INVALID")),
        ("POST", "deadLetters:requeue", {"event_ids": ["all"]}, (400, "FIELD_INVALID")),
        ("POST", "deadLetters:requeue", {"event_id": []}, (400, "FIELD_INVALID")),
        ("DELETE", "badges", None, (405, "METHOD_NOT_ALLOWED")),
        ("GET", "nothing", None, (404, "PATH_NOT_FOUND")),
    ],
)
def test_bad_input_is_one_clear_error(
    operator: Operator, method: str, path: str, body: Any, error: tuple[int, str]
) -> None:
    assert operator.refused(method, path, body) == error


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe"])
def test_a_broken_body_is_one_clear_error(operator: Operator, content: bytes) -> None:
    assert operator.refused("POST", "badges:load", content=content) == (400, "REQUEST_MALFORMED")
