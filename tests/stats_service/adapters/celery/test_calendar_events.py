"""Changes of calendar as they arrive: what is read, and what no retry can cure."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats_service.adapters.celery.events import decode_calendar_change, encode
from stats_service.application.ports.learners import Rejection
from tests.stats_service.facts import calendar_change, calendar_event_of

SIGN_UP = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def encoded(**changes: Any) -> str:
    event = calendar_event_of(calendar_change())
    for name, value in changes.items():
        if value is None:
            event.ClearField(name)  # type: ignore[arg-type]
        else:
            setattr(event, name, value)
    return base64.b64encode(event.SerializeToString()).decode()


@pytest.mark.parametrize("sign_up_time", [None, SIGN_UP])
def test_an_event_tells_its_change_and_goes_back_as_it_came(sign_up_time: datetime | None) -> None:
    change = calendar_change(sign_up_time=sign_up_time, rollover_hour=23)
    text = base64.b64encode(calendar_event_of(change).SerializeToString()).decode()
    delivery = decode_calendar_change(text)
    assert delivery.content == change
    assert encode(delivery) == text


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": 0},
        {"user_seq": 0},
        {"rollover_hour": 24},
        {"rollover_hour": -1},
        {"time_zone": ""},
        {"time_zone": "x" * 1001},
        {"time_zone": "nul\0"},
        {"effective_time": None},
    ],
    ids=repr,
)
def test_an_event_that_breaks_its_contract_is_refused_by_name(changes: dict[str, Any]) -> None:
    content = decode_calendar_change(encoded(**changes)).content
    assert isinstance(content, Rejection)
    assert content.event_id is not None
    assert next(iter(changes)) in content.reason


@pytest.mark.parametrize("name", ["effective_time", "sign_up_time"])
@pytest.mark.parametrize("seconds", [-62_135_596_800, 253_402_300_799])
def test_a_time_that_cannot_be_everywhere_is_refused(name: str, seconds: int) -> None:
    event = calendar_event_of(calendar_change(sign_up_time=SIGN_UP))
    getattr(event, name).seconds = seconds
    content = decode_calendar_change(base64.b64encode(event.SerializeToString()).decode()).content
    assert isinstance(content, Rejection)
    assert name in content.reason


def test_a_zone_that_this_machine_does_not_know_is_kept() -> None:
    assert not isinstance(decode_calendar_change(encoded(time_zone="Moon/Tycho")).content, Rejection)


@given(st.binary(max_size=200))
def test_no_bytes_make_decoding_fail(payload: bytes) -> None:
    assert decode_calendar_change(base64.b64encode(payload).decode()).payload == payload
