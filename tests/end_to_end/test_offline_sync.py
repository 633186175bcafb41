"""What was practised offline arrives once, counts once and is shown like everything else."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.canonical_errors import reason_of
from tests.offline import offline_answer, offline_session
from tests.stack import Learner
from tests.waiting import eventually

SYNC = "/v1/sessions:sync"
GATEWAY_BYTES = 2_621_440


@pytest.fixture
def ended() -> datetime:
    """An instant of the day before yesterday."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)


def outcomes(answer: Any) -> Counter[str]:
    return Counter(result["outcome"].removeprefix("OUTCOME_") for result in answer["results"])


def settled(learner: Learner, answer: Any, product: str) -> Any:
    """Returns the totals of a product once they include what was merged."""
    path = f"/v1/standing?product={product}&min_user_seq={answer['user_seq']}"

    def totals() -> Any:
        standing = learner.ok("GET", path)
        return None if standing["pending"] else standing["totals"]

    return eventually(totals)


def test_a_thousand_sessions_with_a_dozen_answers_fit_into_a_call_and_add_up(
    learner: Learner, ended: datetime
) -> None:
    items = [
        offline_session(
            ended - timedelta(minutes=15 * number),
            elapsed_seconds=60 + number,
            answers=[offline_answer(ended, text="hable" if each < 9 else "no") for each in range(12)],
        )
        for number in range(1_000)
    ]
    body = json.dumps({"items": items}).encode()
    assert 1_000_000 < len(body) < GATEWAY_BYTES
    first = learner.ok("POST", SYNC, body)
    assert outcomes(first) == {"MERGED": 1_000}
    totals = settled(learner, first, "exercises")
    again = learner.ok("POST", SYNC, body)
    assert outcomes(again) == {"ALREADY_KNOWN": 1_000}
    assert settled(learner, again, "exercises") == totals
    # A device can tell of pauses in a drill, and not of more than the ten minutes that it took.
    seconds = sum(min(60 + number, 600) for number in range(1_000))
    assert (totals["session_count"], int(totals["elapsed_seconds"])) == (1_000, seconds)
    assert (totals["answer_count"], totals["correct_answer_count"]) == (12_000, 9_000)


def test_parts_from_two_devices_at_once_add_up_to_the_whole(learner: Learner, ended: datetime) -> None:
    items = [
        offline_session(ended - timedelta(minutes=number), answers=[offline_answer(ended)])
        for number in range(300)
    ]
    parts = [items[:200], items[100:], items[::-1], items[50:250]]
    with ThreadPoolExecutor(len(parts)) as devices:
        answers = list(devices.map(lambda part: learner.ok("POST", SYNC, {"items": part}), parts))
    assert sum(map(outcomes, answers), Counter()) == {"MERGED": 300, "ALREADY_KNOWN": 600}
    last = max(answers, key=lambda answer: int(answer["user_seq"]))
    assert settled(learner, last, "exercises")["session_count"] == 300


def test_one_bad_item_is_told_and_the_others_are_merged(learner: Learner, ended: datetime) -> None:
    future = datetime.now(UTC) + timedelta(hours=1, minutes=1)
    good = offline_session(ended)
    items = [
        good,
        {"session": {**offline_session(ended)["session"], "start_time": "yesterday"}},
        offline_session(future),
        {},
        {"session": {**good["session"], "outcome": "abandoned"}},
        offline_session(ended, answers=[offline_answer(ended, "exercises/404"), offline_answer(ended)]),
    ]
    results = learner.ok("POST", SYNC, {"items": items})["results"]
    assert [result["outcome"].removeprefix("OUTCOME_") for result in results] == [
        "MERGED",
        "REFUSED",
        "REFUSED",
        "REFUSED",
        "CONFLICT",
        "MERGED",
    ]
    reasons = [result["error"]["details"][0]["reason"] for result in results[1:5]]
    assert reasons == ["FIELD_INVALID", "TIME_OUT_OF_RANGE", "FIELD_INVALID", "CLIENT_ID_REUSED"]
    assert [each["reason"] for each in results[5]["refused_answers"]] == ["ITEM_NOT_FOUND"]


def test_of_an_item_with_any_fault_that_item_alone_is_refused(learner: Learner, ended: datetime) -> None:
    good, bad, other = (json.dumps(offline_session(ended, note="~")) for _ in range(3))
    for broken in (b'"\\ud83d"', b"5", b'{"a": 1}', b"[" * 2_000 + b"]" * 2_000, b'"\xff"', b"NaN"):
        item = bad.encode().replace(b'"~"', broken)
        answer = learner.ok("POST", SYNC, b'{"items": [%s, %s, null]}' % (good.encode(), item))
        first, second, third = answer["results"]
        assert first["outcome"] in ("OUTCOME_MERGED", "OUTCOME_ALREADY_KNOWN")
        assert [each["outcome"] for each in (second, third)] == ["OUTCOME_REFUSED"] * 2
        (detail,) = second["error"]["details"]
        assert (detail["reason"], detail["metadata"]["field"]) == ("FIELD_INVALID", "note")
        assert second["client_id"] == json.loads(bad)["session"]["client_id"]
    assert len(learner.ok("GET", "/v1/sessions")["sessions"]) == 1
    refused = learner.send("POST", SYNC, f'{{"items": [{other}'.encode())
    assert refused.status_code == 400
    assert reason_of(refused) == "REQUEST_MALFORMED"


def test_the_day_is_the_devices_and_the_accounts_zone_stays(learner: Learner, ended: datetime) -> None:
    late = ended.replace(hour=18)
    answer = learner.ok("POST", SYNC, {"items": [offline_session(late)]}, **{"X-Time-Zone": "UTC"})
    session = learner.ok("GET", f"/v1/{answer['results'][0]['session']}")
    assert session["local_date"] == late.astimezone(ZoneInfo("Asia/Tokyo")).date().isoformat()
    assert session["local_date"] != late.date().isoformat()
    assert learner.ok("GET", "/v1/calendar")["calendar"]["time_zone"] == "UTC"


def test_answers_given_offline_get_into_the_session_that_was_started_online(learner: Learner) -> None:
    live = learner.ok("POST", "/v1/sessions", {"product": "exercises"})["session"]["name"]
    given = datetime.now(UTC) - timedelta(minutes=1)
    items = [{"answer": offline_answer(given, session=live, text=text)} for text in ("hable", "no")]
    for outcome in ("MERGED", "ALREADY_KNOWN"):
        assert outcomes(learner.ok("POST", SYNC, {"items": items})) == {outcome: 2}
    session = learner.ok("POST", f"/v1/{live}:complete", {})
    assert (session["answer_count"], session["correct_answer_count"]) == (2, 1)
    late = {"answer": offline_answer(given, session=live)}
    (refused,) = learner.ok("POST", SYNC, {"items": [*items, late]})["results"][2:]
    assert refused["error"]["details"][0]["reason"] == "SESSION_ENDED"


def test_every_products_history_shows_what_was_practised_offline(learner: Learner, ended: datetime) -> None:
    words = [offline_answer(ended, f"words/{word}", text="hola") for word in ("en-hello", "en-goodbye")]
    problem = learner.ok("GET", "/v1/problems?page_size=1")["problems"][0]["name"]
    items = [
        offline_session(ended, "focus", planned_seconds=600, elapsed_seconds=590),
        offline_session(ended, "yoga", content="sequences/123", elapsed_seconds=580, note="By the sea"),
        offline_session(ended, "portal", content="activities/123", answers=words),
        offline_session(ended, "design", content=problem),
        offline_session(ended, "exercises", answers=[offline_answer(ended)]),
    ]
    answer = learner.ok("POST", SYNC, {"items": items})
    assert outcomes(answer) == {"MERGED": 5}
    numbers = [int(result["session"].partition("/")[2]) for result in answer["results"]]

    (focus,) = learner.ok("GET", "/focus/api/v1/sessions")["data"]
    assert (focus["id"], focus["status"], focus["elapsed_seconds"]) == (numbers[0], "completed", 590)
    yoga = learner.ok("GET", "/yoga/api/v1/sessions/history")
    assert "By the sea" in json.dumps(yoga)
    portal = learner.ok("GET", "/portal/api/v1/sessions/history")
    assert (portal["total"], portal["sessions"][0]["id"]) == (1, str(numbers[2]))
    details = learner.ok("GET", f"/portal/api/v1/sessions/{numbers[2]}")
    assert details["performance"]["words_practiced"] == 2
    assert len(learner.ok("GET", "/design/sessions/user/my-sessions")) == 1
    report = learner.ok("GET", f"/v1/sessions/{numbers[4]}/report")
    assert report["answered_items"][0]["item"] == "exercises/123"
    for product in ("focus", "yoga", "portal", "exercises"):
        assert settled(learner, answer, product)["session_count"] == 1
