"""Streaks through the gateway: what keeps them, why they are what they are, and how an operator helps."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time, timedelta

from deploy.local.stack import LocalStack
from tests.canonical_errors import reason_of
from tests.end_to_end.command import practice
from tests.end_to_end.focusing import focus_streak, practised
from tests.offline import offline_session
from tests.stack import Learner
from tests.waiting import eventually


def test_rest_days_pauses_and_freezes_are_recorded_once_and_shown(learner: Learner) -> None:
    today = datetime.now(UTC).date()
    later = (today + timedelta(days=10)).isoformat()
    learner.ok("POST", "/v1/restDays", {"weekdays": [6, 5], "effective_date": later})
    (rest,) = learner.ok("GET", "/v1/restDays")["rest_days"]
    assert (rest["weekdays"], rest["effective_date"]) == ([5, 6], later)

    plan = {"first_date": later, "last_date": later, "request_id": uuid.uuid4().hex}
    pause = learner.ok("POST", "/v1/pauses", plan)
    assert learner.ok("POST", "/v1/pauses", plan) == pause
    overlapping = learner.send("POST", "/v1/pauses", {**plan, "request_id": ""})
    assert (overlapping.status_code, reason_of(overlapping)) == (409, "PAUSE_OVERLAPS")
    called_off = learner.ok("POST", f"/v1/{pause['name']}:cancel", {})
    assert called_off["end_date"] < called_off["first_date"]
    assert learner.ok("GET", "/v1/pauses")["pauses"] == [called_off]

    key = {"Idempotency-Key": uuid.uuid4().hex}
    for _ in range(2):
        assert learner.ok("POST", "/v1/freezes:buy", {"product": "yoga"}, **key)["held"] == 1
    assert learner.ok("POST", "/v1/freezes:buy", {"product": "yoga"})["held"] == 2
    full = learner.send("POST", "/v1/freezes:buy", {"product": "yoga"})
    assert (full.status_code, reason_of(full)) == (400, "FREEZE_LIMIT_REACHED")
    freezes = learner.ok("GET", "/v1/freezes?product=yoga")
    assert (freezes["held"], [change["kind"] for change in freezes["changes"]]) == (2, ["KIND_BOUGHT"] * 2)


def test_a_broken_streak_is_explained_repaired_and_whole_again(stack: LocalStack, learner: Learner) -> None:
    today = practised(stack, learner, 2, 3)
    missed = (today - timedelta(days=1)).isoformat()
    assert focus_streak(learner)["day"]["current"] == 1
    why = learner.ok("GET", f"/v1/streaks:explainBreak?product=focus&date={missed}")
    assert (why["verdict"], why["run"]["length"]) == ("VERDICT_BROKE", 2)
    assert why["paragraph"].startswith("Your focus streak of 2 days began on ")

    user = learner.account["user_id"]
    repaired = practice(
        stack, "streak", "repair", user, "-p", "focus", "--day", missed, "--reason", "our outage"
    )
    assert repaired.returncode == 0, repaired.stderr
    again = practice(stack, "streak", "repair", user, "-p", "focus", "--day", missed, "--reason", "x")
    assert (again.returncode, "refuses: " in again.stderr) == (1, True)
    assert focus_streak(learner)["day"]["current"] == 3

    explained = learner.ok("GET", "/v1/streaks:explain?product=focus&page_size=3")
    assert [day["status"] for day in explained["days"]] == [
        "STATUS_PRACTISED",
        "STATUS_PRACTISED",
        "STATUS_KEPT",
    ]
    entry = explained["days"][2]["keep_entry"]
    assert (entry["reason"], entry["actor"]) == ("our outage", "")
    # Before the repair was made, nobody knew of it.
    before = (datetime.fromisoformat(entry["record_time"]) - timedelta(milliseconds=1)).isoformat()
    past = learner.ok("GET", f"/v1/streaks:explain?product=focus&as_of_time={before.replace('+00:00', 'Z')}")
    assert past["streak"]["current"] == 1

    shown = practice(stack, "explain", user, "--product", "focus")
    assert (shown.returncode, explained["paragraph"] in shown.stdout) == (0, True), shown.stderr
    assert f"repair (entry {entry['entry_id']})" in shown.stdout
    then = practice(stack, "explain", user, "-p", "focus", "--break", missed, "--known-at", before)
    assert why["paragraph"] in then.stdout, then.stderr
    listed = practice(stack, "streak", "entries", user)
    assert "our outage" in listed.stdout


def test_a_session_that_arrives_days_late_heals_the_streak(stack: LocalStack, learner: Learner) -> None:
    today = practised(stack, learner, 2, 3)
    assert focus_streak(learner)["day"]["current"] == 1
    ended = datetime.combine(today - timedelta(days=1), time(12), UTC)
    late = offline_session(ended, "focus", time_zone="UTC", planned_seconds=600, elapsed_seconds=590)
    for outcome in ("OUTCOME_MERGED", "OUTCOME_ALREADY_KNOWN"):
        (result,) = learner.ok("POST", "/v1/sessions:sync", {"items": [late]})["results"]
        assert result["outcome"] == outcome
    eventually(lambda: focus_streak(learner)["day"]["current"] == 4)
    assert learner.ok("GET", "/focus/api/v1/streak")["data"]["current_streak"] == 4


def test_an_operator_grants_a_freeze(stack: LocalStack, learner: Learner) -> None:
    user = learner.account["user_id"]
    granted = practice(stack, "streak", "grant-freeze", user, "--product", "focus", "--reason", "our outage")
    assert granted.returncode == 0, granted.stderr
    freezes = learner.ok("GET", "/v1/freezes?product=focus")
    assert (freezes["held"], [change["kind"] for change in freezes["changes"]]) == (1, ["KIND_GRANTED"])


def test_badges_and_totals_are_explained(stack: LocalStack, learner: Learner) -> None:
    practised(stack, learner, 1)
    badges = eventually(lambda: learner.ok("GET", "/v1/badges?product=focus")["badges"])
    badge = badges[-1]["badge"]["badge_id"]
    earned = learner.ok("GET", f"/v1/badges/{badge}:explain")
    assert (earned["earned"], earned["badge"]["badge_id"]) == (True, badge)
    assert earned["values"]
    total = learner.ok("GET", "/v1/totals:explain?product=focus")
    assert (total["totals"]["session_count"], len(total["days"])) == (2, 2)
    assert total["paragraph"].startswith("Your focus total is made of 2 sessions on 2 days")
    unknown = learner.send("GET", "/v1/badges/none:explain")
    assert (unknown.status_code, reason_of(unknown)) == (404, "BADGE_NOT_FOUND")
    user = learner.account["user_id"]
    for words, paragraph in ((("--badge", badge), earned), (("--total", "-p", "focus"), total)):
        shown = practice(stack, "explain", user, *words)
        assert paragraph["paragraph"] in shown.stdout, shown.stderr
