"""A web app of the exercises product, in Node and in a browser on another origin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.conftest import Play
from tests.end_to_end.documented import assert_like

SHOWN = {"is_correct": True, "correct_answer": "hable", "exercise_id": 123, "session_id": 42}
DETAIL = {"detail": "..."}
ENVELOPE = {"success": False, "message": "...", "data": None}


@pytest.fixture(params=["play_in_node", "play_in_chromium"])
def play(request: pytest.FixtureRequest) -> Play:
    """Plays in both places."""
    found: Play = request.getfixturevalue(request.param)
    return found


def answers(*texts: str) -> list[dict[str, Any]]:
    return [{"exerciseId": "123", "text": text, "seconds": 8} for text in texts]


def test_a_session_goes_on_over_reloads_and_ends_with_its_summary(play: Play) -> None:
    told = play(
        ("drill", {"kind": "review", "answers": answers("hable", "habla", "hable")}),
        ("drill", {"answers": answers("hable", "hable")}),
        ("finish", {}),
    )
    first, second, summary = told["results"]
    assert second["started"] == first["started"]
    for result in first["results"] + second["results"]:
        assert_like(result, SHOWN)
    totals = [result["total_exercises"] for result in first["results"] + second["results"]]
    assert totals == [1, 2, 3, 4, 5]
    assert [result["is_correct"] for result in first["results"]] == [True, False, True]
    shown = {"total_exercises": 5, "correct_answers": 4, "score_percentage": 80, "session_type": "review"}
    assert_like(summary, {**first["started"], **shown}, values=True)


def test_an_answer_sent_again_under_its_key_counts_once(play: Play) -> None:
    told = play(("repeat", {"exerciseId": "123", "text": "hable"}), ("finish", {}))
    (first, again, other), summary = told["results"]
    assert again == first
    assert (other["status"], list(other["body"])) == (422, ["detail"])
    assert summary["total_exercises"] == 1


def test_a_refusal_can_be_read(play: Play) -> None:
    calls = [
        {"method": "POST", "path": "/api/exercises/session/end", "body": {"session_id": 999_999_999}},
        {"method": "POST", "path": "/api/exercises/session/start", "body": {"session_type": "exam"}},
        {"method": "POST", "path": "/api/exercises/nowhere", "body": {}},
    ]
    (told,) = play(("refusals", {"calls": calls}))["results"]
    assert [answer["status"] for answer in told] == [404, 400, 404]
    for answer in told:
        assert_like(answer["body"], DETAIL)


def test_a_refusal_at_the_edge_can_be_read(play: Play, gateway: dict[str, str]) -> None:
    calls = [
        {"method": "POST", "path": "/api/exercises/submit", "body": {}},
        {"method": "PATCH", "path": "/focus/api/v1/sessions/1/resume", "body": {}},
    ]
    without = {**gateway, "token": "expired"}
    (told,) = play(("refusals", {"calls": calls, "gateway": without}))["results"]
    assert [answer["status"] for answer in told] == [401, 401]
    assert_like(told[0]["body"], DETAIL)
    assert_like(told[1]["body"], ENVELOPE)


def test_the_browser_asks_before_every_kind_of_call_and_is_let(play_in_chromium: Play) -> None:
    headers = {"Idempotency-Key": "of-a-page", "X-Time-Zone": "Europe/Madrid"}
    calls: list[dict[str, Any]] = [
        {"method": "POST", "path": "/api/exercises/session/end", "body": {"session_id": 999}},
        {"method": "PATCH", "path": "/focus/api/v1/sessions/999999999/resume", "body": {}},
        {"method": "PUT", "path": "/yoga/api/v1/sessions/999999999/resume", "body": {}},
        {"method": "DELETE", "path": "/design/sessions/000000000000000000000000"},
        {"method": "GET", "path": "/portal/api/v1/sessions/nothing"},
    ]
    told = play_in_chromium(("refusals", {"calls": [{**call, "headers": headers} for call in calls]}))
    assert [answer["status"] for answer in told["results"][0]] == [404] * len(calls)
    asked = {(preflight["method"], preflight["path"]) for preflight in told["preflights"]}
    assert asked == {(call["method"], call["path"]) for call in calls}
    assert {preflight["status"] for preflight in told["preflights"]} <= {200, 204}


def test_the_browser_that_asks_guards_origins(play_in_chromium: Play) -> None:
    # The page's own server by another name is another origin, and allows nobody.
    told = play_in_chromium(("readable", {"host": "localhost"}), ("readable", {"host": "127.0.0.1"}))
    assert told["results"] == [True, False]
