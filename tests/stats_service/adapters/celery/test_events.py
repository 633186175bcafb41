"""Events as they arrive: what is read, and what no retry can cure."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats_service.adapters.celery.events import decode, encode
from stats_service.application.ports.learners import Rejection
from stats_service.domain.completion import Completion
from tests.stats_service.domain.strategies import completions
from tests.stats_service.facts import completion, event_of


def encoded(fact: Completion, **changes: Any) -> str:
    event = event_of(fact)
    for name, value in changes.items():
        if value is None:
            event.ClearField(name)  # type: ignore[arg-type]
        else:
            setattr(event, name, value)
    return base64.b64encode(event.SerializeToString()).decode()


@given(completions())
def test_an_event_tells_its_fact_and_goes_back_as_it_came(fact: Completion) -> None:
    text = encoded(fact)
    delivery = decode(text)
    assert delivery.content == fact
    assert encode(delivery) == text


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": 0},
        {"user_seq": 0},
        {"session_id": -1},
        {"product": ""},
        {"product": "all"},
        {"product": "Focus!"},
        {"outcome": "won"},
        {"rollover_hour": 24},
        {"elapsed_seconds": -1},
        {"elapsed_seconds": 2**31},
        {"answer_count": -1},
        {"correct_answer_count": 1},
        {"local_date": ""},
        {"local_date": "2026-02-30"},
        {"local_date": "0001-01-01"},
        {"local_date": "9999-12-31"},
        {"local_date": "18.02.2026"},
        {"start_time": None},
        {"end_time": None},
        {"content": "nul\0"},
        {"mode": "x" * 1001},
    ],
    ids=repr,
)
def test_an_event_that_breaks_its_contract_is_refused_by_name(changes: dict[str, Any]) -> None:
    fact = completion()
    content = decode(encoded(fact, **changes)).content
    assert isinstance(content, Rejection)
    assert content.event_id == fact.event_id
    assert next(iter(changes)).removeprefix("correct_").split("_")[0] in content.reason


@pytest.mark.parametrize(
    "seconds",
    # None at all, and the first and the last second there are: in some zones they have no wall clock.
    [2**60, -62_135_596_800, 253_402_300_799],
)
@pytest.mark.parametrize("time_zone", ["Asia/Tokyo", "America/New_York"])
def test_a_time_that_cannot_be_everywhere_is_refused(seconds: int, time_zone: str) -> None:
    event = event_of(completion(time_zone=time_zone))
    event.end_time.seconds = seconds
    content = decode(base64.b64encode(event.SerializeToString()).decode()).content
    assert isinstance(content, Rejection)
    assert "end_time" in content.reason


def test_the_minute_of_the_wall_clock_is_told_by_the_zone_whatever_the_rollover_hour() -> None:
    end_time = datetime(2026, 2, 18, 20, 40, tzinfo=UTC)
    fact = completion(end_time=end_time, time_zone="Asia/Kolkata", rollover_hour=4)
    content = decode(encoded(fact)).content
    assert isinstance(content, Completion)
    assert content.local_minute == 2 * 60 + 10


@pytest.mark.parametrize(
    ("end_time", "minute"),
    [
        # In Madrid, two o'clock is three in March, and there are two of it in October.
        ("2026-03-29T00:59", 60 + 59),
        ("2026-03-29T01:00", 3 * 60),
        ("2026-10-25T00:30", 2 * 60 + 30),
        ("2026-10-25T01:30", 2 * 60 + 30),
        ("2026-10-25T02:30", 3 * 60 + 30),
    ],
)
def test_the_minute_is_the_wall_clocks_on_days_of_23_and_25_hours(end_time: str, minute: int) -> None:
    fact = completion(
        end_time=datetime.fromisoformat(end_time).replace(tzinfo=UTC), time_zone="Europe/Madrid"
    )
    content = decode(encoded(fact)).content
    assert isinstance(content, Completion)
    assert content.local_minute == minute


@pytest.mark.parametrize("text", ["", "?", "AAAA", None, 7, encoded(completion(), event_id="no-uuid")])
def test_what_has_no_event_id_is_refused_without_one(text: object) -> None:
    content = decode(text).content
    assert isinstance(content, Rejection)
    assert content.event_id is None


@given(st.binary(max_size=200))
def test_no_bytes_make_decoding_fail(payload: bytes) -> None:
    assert decode(base64.b64encode(payload).decode()).payload == payload
