"""The description of live events: valid by AsyncAPI's own schema, whole, and with words for everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from practice.products.portal.v1.portal_service_pb2 import LiveUpdate

from gateway.bridge.events import SessionClock, end_event, progress_event
from gateway.contracts import WATCHES
from gateway.openapi.__main__ import CONTRACTS
from gateway.openapi.documents import read_contracts
from gateway.openapi.live import NAME, PORTAL_CHANNEL
from gateway.openapi.words import operation_name
from tests import npm
from tests.described import check_message, document

SPECS = Path(__file__).with_name("asyncapi")
SCHEMA = SPECS / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json"


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def follow(whole: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        whole = whole[step]
    return whole


def test_it_is_valid() -> None:
    npm.install(SPECS)
    validator = Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [
        f"{fault.json_path}: {fault.message[:300]}" for fault in validator.iter_errors(document(NAME))
    ] == []


def test_what_is_referred_to_is_there() -> None:
    live = document(NAME)
    found = {reference for reference in references(live) if follow(live, reference)}
    assert len(found) > len(live["channels"])


def test_a_client_is_told_of_every_watch() -> None:
    methods = read_contracts(CONTRACTS).methods
    watched = {operation_name(name.partition("/")[2]) for name in WATCHES if f"{name}AsEvents" in methods}
    assert set(document(NAME)["channels"]) == {PORTAL_CHANNEL, *watched}


def test_everything_has_words() -> None:
    live = document(NAME)
    silent = [
        f"{schema}.{field}"
        for schema, told in live["components"]["schemas"].items()
        for field, about in told.get("properties", {}).items()
        if not about.get("description")
    ]
    silent += [name for name, message in live["components"]["messages"].items() if not message["summary"]]
    silent += [name for name, channel in live["channels"].items() if not channel["description"]]
    assert silent == []


@pytest.mark.parametrize(
    "event",
    [
        progress_event(LiveUpdate(completed=5, remaining=15, success_rate=0.8, current_streak=3)),
        SessionClock(LiveUpdate(elapsed=245, time_limit=600), now=7.0).event(8.0),
        end_event(LiveUpdate(success_rate=0.8, elapsed=450, words_mastered=16)),
    ],
)
def test_events_of_the_portal_are_as_described_and_no_others(event: str) -> None:
    told = json.loads(event)
    check_message(PORTAL_CHANNEL, told["type"], told)
    with pytest.raises(AssertionError, match="not as described"):
        check_message(PORTAL_CHANNEL, told["type"], {**told, "data": {**told["data"], "colour": 1}})
    with pytest.raises(AssertionError, match="not as described"):
        check_message(PORTAL_CHANNEL, told["type"], {**told, "data": {}})
    with pytest.raises(AssertionError, match="is not described"):
        check_message(PORTAL_CHANNEL, "paused", told)
