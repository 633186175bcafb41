"""Wherever a zone is sent, the days of the user are those of that zone from then on."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.end_to_end.documented import assert_like, assert_time
from tests.stack import Learner, MakeLearner
from tests.waiting import eventually

CALENDAR = {"time_zone": "Asia/Tokyo", "rollover_hour": 0, "effective_time": "", "sign_up_time": ""}


def another_day() -> str:
    """Returns a zone in which it is not the day that it is in UTC, now and in the next hour."""
    return "Pacific/Pago_Pago" if datetime.now(UTC).hour < 10 else "Pacific/Kiritimati"


def days_of(zone: str, since: datetime) -> set[str]:
    """Returns the local dates between an instant and now."""
    return {instant.astimezone(ZoneInfo(zone)).date().isoformat() for instant in (since, datetime.now(UTC))}


def practise(learner: Learner) -> Any:
    """Returns a session that was started and completed without a word on zones."""
    assert "X-Time-Zone" not in learner.client.headers
    started = learner.ok("POST", "/v1/sessions", {"product": "exercises"})["session"]
    return learner.ok("POST", f"/v1/{started['name']}:complete", {})


def assert_day_of(session: Any, zone: str, since: datetime) -> None:
    assert session["time_zone"] == zone
    assert session["local_date"] in days_of(zone, since)
    assert session["local_date"] not in days_of("UTC", since)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/standing",
        "/focus/api/v1/streak",
        "/v1/exercises",
        "/design/problems/user/my-problems",
        "/v1/accounts/me",
    ],
    ids=["stats", "stats, a product's", "catalog", "catalog, a product's", "identity"],
)
def test_a_zone_sent_to_another_service_decides_the_day_of_the_next_completion(
    learner: Learner, path: str
) -> None:
    zone, since = another_day(), datetime.now(UTC)
    assert learner.send("GET", path, **{"X-Time-Zone": zone}).status_code == 200
    assert_day_of(practise(learner), zone, since)


def as_people_sign_up(anyone: httpx.Client, email: str, zone: str) -> httpx.Response:
    body = {"first_name": "Ana", "email": email, "password": f"not {email}"}
    return anyone.post("/v1/accounts:signUp", json=body, headers={"X-Time-Zone": zone})


def as_designers_sign_up(anyone: httpx.Client, email: str, zone: str) -> httpx.Response:
    body = {"first_name": "Ana", "last_name": "Gil", "email": email, "password": f"not {email}"}
    return anyone.post("/design/users/signup", json=body, headers={"X-Time-Zone": zone})


@pytest.mark.parametrize("sign_up", [as_people_sign_up, as_designers_sign_up])
def test_a_zone_sent_with_a_sign_up_decides_the_day_of_the_first_completion(
    make_learner: MakeLearner,
    anyone: httpx.Client,
    sign_up: Callable[[httpx.Client, str, str], httpx.Response],
) -> None:
    zone, since = another_day(), datetime.now(UTC)
    email = f"ana.{uuid.uuid4().hex}@example.com"
    assert sign_up(anyone, email, zone).status_code in (200, 201)
    learner = make_learner()
    learner.email, learner.password = email, f"not {email}"
    learner.client.headers["Authorization"] = f"Bearer {learner.log_in()['access_token']}"

    assert_day_of(practise(learner), zone, since)


def test_today_in_statistics_follows_a_zone_sent_to_the_session_service_alone(learner: Learner) -> None:
    zone, since = another_day(), datetime.now(UTC)
    assert learner.ok("GET", "/v1/standing")["streak"]["as_of_date"] in days_of("UTC", since)
    learner.ok("GET", "/v1/sessions", **{"X-Time-Zone": zone})

    eventually(lambda: learner.ok("GET", "/v1/standing")["streak"]["as_of_date"] in days_of(zone, since))


def test_the_calendar_is_shown_set_and_remembers_what_was_before(learner: Learner) -> None:
    learner.ok("GET", "/v1/badges", **{"X-Time-Zone": "Asia/Tokyo"})
    shown = learner.ok("GET", "/v1/calendar")
    assert_like(shown["calendar"], CALENDAR)
    assert shown["calendar"]["time_zone"] == "Asia/Tokyo"
    assert_time(shown["calendar"]["sign_up_time"], "seconds")
    signed_up = datetime.fromisoformat(learner.account["create_time"]).replace(microsecond=0)
    assert datetime.fromisoformat(shown["calendar"]["sign_up_time"]) == signed_up

    key = {"Idempotency-Key": uuid.uuid4().hex}
    night_owl = learner.ok("PATCH", "/v1/calendar", {"rollover_hour": 4}, **key)
    assert (night_owl["time_zone"], night_owl["rollover_hour"]) == ("Asia/Tokyo", 4)
    moved = learner.ok("PATCH", "/v1/calendar", {"time_zone": "Europe/Madrid", "rollover_hour": 0})
    assert learner.ok("PATCH", "/v1/calendar", {"rollover_hour": 4}, **key) == night_owl

    shown = learner.ok("GET", "/v1/calendar")
    assert shown["calendar"] == moved == shown["history"][0]
    assert [(each["time_zone"], each["rollover_hour"]) for each in shown["history"][:3]] == [
        ("Europe/Madrid", 0),
        ("Asia/Tokyo", 4),
        ("Asia/Tokyo", 0),
    ]


@pytest.mark.parametrize(
    "body", [{"time_zone": "Mars/Olympus"}, {"time_zone": "localtime"}, {"rollover_hour": 24}], ids=repr
)
def test_a_calendar_that_cannot_be_is_refused(learner: Learner, body: dict[str, Any]) -> None:
    refused = learner.send("PATCH", "/v1/calendar", body)
    assert refused.status_code == 400
    assert learner.ok("GET", "/v1/calendar")["calendar"]["time_zone"] == "UTC"
