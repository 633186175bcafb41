"""Events as they arrive: what is read, and what no retry can cure."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats_service.adapters.celery.events import decode, encode
from stats_service.application.ports import Rejection
from stats_service.domain.completion import Completion
from tests.stats_service.domain.strategies import completions
from tests.stats_service.facts import completion, to_event


def encoded(fact: Completion, **changes: Any) -> str:
    event = to_event(fact)
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


def test_a_time_that_cannot_be_is_refused() -> None:
    event = to_event(completion())
    event.end_time.seconds = 2**60
    content = decode(base64.b64encode(event.SerializeToString()).decode()).content
    assert isinstance(content, Rejection)


@pytest.mark.parametrize("text", ["", "?", "AAAA", None, 7, encoded(completion(), event_id="no-uuid")])
def test_what_has_no_event_id_is_refused_without_one(text: object) -> None:
    content = decode(text).content
    assert isinstance(content, Rejection)
    assert content.event_id is None


@given(st.binary(max_size=200))
def test_no_bytes_make_decoding_fail(payload: bytes) -> None:
    assert decode(base64.b64encode(payload).decode()).payload == payload
