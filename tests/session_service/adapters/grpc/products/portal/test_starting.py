"""Starting a session: its settings, its words, its first item."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from session_service.main import serving
from session_service.settings import SessionSettings
from tests.grpc_errors import refusal
from tests.session_service.adapters.grpc.products.portal.clients import Client
from tests.session_service.adapters.grpc.products.shown import refused, shown
from tests.session_service.catalog import HARD, MEDIUM, Catalog
from tests.session_service.clients import Learner

DEFAULTS = {"difficulty": "medium", "word_count": 20, "time_limit": 600}
ONE_WORD = {"word_count": 1}


async def words_of(learner: Learner, session_id: str) -> list[str]:
    listed = await learner.call("ListSessionItems", name=f"sessions/{session_id}")
    return [item.item.removeprefix("words/") for item in listed.items]


async def test_a_start_answers_the_session_its_settings_and_its_first_word(portal: Client) -> None:
    body = await portal.ok("StartSession", activity_id=123, settings=DEFAULTS)

    assert body == {
        "session_id": body["session_id"],
        "start_time": body["start_time"],
        "settings": DEFAULTS,
        "first_item": {"word": "hello", "type": "translation", "item_id": "en-hello"},
    }
    assert re.fullmatch(r"[1-9]\d*", body["session_id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["start_time"])


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"difficulty": "hard"},
        {"word_count": 1, "time_limit": 86_400},
        {"theme": "dark", "nested": {"a": [1, None, "x", 0.5]}, "big": 4_000_000_000},
    ],
)
async def test_settings_come_back_as_given_with_defaults_for_what_was_left_out(
    portal: Client, given: dict[str, Any] | None
) -> None:
    body = await portal.ok("StartSession", activity_id=123, settings=given)

    assert body["settings"] == {**DEFAULTS, **(given or {})}


async def test_the_words_are_those_of_the_difficulty_filled_up_from_the_others_in_the_authors_order(
    portal: Client, learner: Learner
) -> None:
    usual = await words_of(learner, await portal.start())
    assert usual == ["en-hello", "en-goodbye", *MEDIUM[:18]]
    assert await words_of(learner, await portal.start()) == usual
    assert await words_of(learner, await portal.start(difficulty="easy", word_count=3)) == [
        *usual[:2],
        MEDIUM[0],
    ]
    assert await words_of(learner, await portal.start(difficulty="hard", word_count=100)) == HARD
    assert await words_of(learner, await portal.start(activity_id=5)) == ["en-hello", "en-goodbye", "m1"]


BAD_SETTINGS: list[tuple[dict[str, Any], str]] = [
    *(({"difficulty": value}, "settings.difficulty") for value in ("", "Medium", 3, True, ["easy"])),
    *(({"word_count": value}, "settings.word_count") for value in (0, 101, -1, 1.5, "20", True, 1e300)),
    *(({"time_limit": value}, "settings.time_limit") for value in (0, 86_401, "600", False, {"a": 1})),
    ({f"s{number}": number for number in range(65)}, "settings"),
    *(({"theme": value}, "settings") for value in ("\0", ["a", {"b": "c\0"}], {"\0": 1})),
    ({"note": "x" * 9_000}, "settings"),
]


@pytest.mark.parametrize("number", [2**53 + 1, -(2**63) - 1, 10**400, 0.1])
async def test_numbers_in_settings_come_back_exactly_as_they_were_sent(
    portal: Client, learner: Learner, number: float
) -> None:
    key = portal.with_metadata(idempotency_key=str(uuid.uuid4()))
    body = await key.ok("StartSession", activity_id=123, settings={"seed": [number]})
    assert body["settings"]["seed"] == [number]

    # White space and order make no other request of it.
    text = f'{{ "settings": {{"seed": [{json.dumps(number)}]}},\n"activity_id": 123.0 }}'
    assert await shown(key.start_with(text.encode())) == (200, body)
    # A message's numbers are doubles: as int64 in JSON, what does not fit is a text.
    session = await learner.call("GetSession", name=f"sessions/{body['session_id']}")
    (seed,) = session.settings["seed"]
    assert seed == (number if isinstance(number, float) else str(number))


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e9999999999999999999", "9" * 1_001])
async def test_numbers_beyond_all_bounds_are_refused(portal: Client, number: str) -> None:
    for text in ('{"activity_id": 123, "settings": {"seed": %s}}', '{"activity_id": %s}'):
        status, body = await refused(portal.start_with((text % number).encode()))
        assert (status, body["error"]) == (400, "invalid_request")


async def test_the_canonical_api_refuses_an_integer_that_it_may_have_changed(learner: Learner) -> None:
    settings = Struct()
    settings.update({"seed": 2**53})
    told = await refusal(learner.call("StartSession", product="exercises", settings=settings))
    assert (told.reason, told.metadata["field"]) == ("FIELD_INVALID", "settings")


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff", b"NaN", b'{"activity_id": 1, "settings": {"a": NaN}}', b" " * 70_000]
)
async def test_what_is_no_json_object_is_refused(portal: Client, body: bytes) -> None:
    assert await refused(portal.start_with(body)) == (
        400,
        {"error": "invalid_request", "message": "The request could not be read"},
    )


async def test_a_setting_that_is_null_is_not_given(portal: Client) -> None:
    sent = {"difficulty": None, "word_count": None, "time_limit": 60, "note": None}
    body = await portal.ok("StartSession", activity_id=123, settings=sent)

    settings = {"difficulty": "medium", "word_count": 20, "time_limit": 60, "note": None}
    assert body["settings"] == settings


@pytest.mark.parametrize(("settings", "field"), BAD_SETTINGS)
async def test_settings_of_another_type_or_out_of_range_are_refused_by_name(
    portal: Client, settings: dict[str, Any], field: str
) -> None:
    status, body = await portal.refused("StartSession", activity_id=123, settings=settings)

    assert (status, body["error"], body["details"]) == (400, "invalid_request", {"field": field})
    assert field in body["message"].lower()


async def test_a_setting_that_cannot_be_stored_is_refused(portal: Client) -> None:
    status, body = await portal.refused("StartSession", activity_id=123, settings={"note": "a\0b"})

    assert (status, body["error"]) == (400, "invalid_request")


async def test_settings_nested_deeper_than_protobuf_reads_are_refused(portal: Client) -> None:
    nested: dict[str, Any] = {}
    for _ in range(50):
        nested = {"a": nested}

    assert await portal.refused("StartSession", activity_id=123, settings=nested) == (
        400,
        {"error": "invalid_request", "message": "The request could not be read"},
    )


async def test_a_start_needs_an_activity(portal: Client) -> None:
    status, body = await portal.refused("StartSession")

    assert (status, body["error"], body["details"]) == (400, "invalid_request", {"field": "activity_id"})


@pytest.mark.parametrize("number", [124, 6, 0, -123, 2**63 - 1, 10**18])
async def test_an_activity_that_is_not_there_or_has_no_words_is_not_found(
    portal: Client, number: int
) -> None:
    assert await portal.refused("StartSession", activity_id=number) == (
        404,
        {"error": "activity_not_found", "message": f"Activity with ID '{number}' not found"},
    )
    assert await portal.history() == {"total": 0, "sessions": []}


async def test_a_catalog_that_is_away_makes_a_start_unavailable(portal: Client, catalog: Catalog) -> None:
    catalog.down = True

    status, body = await portal.refused("StartSession", activity_id=123)

    assert (status, body["error"], set(body)) == (503, "service_unavailable", {"error", "message"})


async def test_a_repeated_start_answers_the_first_and_another_request_with_its_key_is_refused(
    portal: Client, session_settings: dict[str, Any]
) -> None:
    keyed = portal.with_metadata(idempotency_key="start")
    first = await keyed.ok("StartSession", activity_id=123, settings=ONE_WORD)
    await portal.right(first["session_id"], "en-hello")

    assert await keyed.ok("StartSession", activity_id=123, settings=ONE_WORD) == first
    status, body = await keyed.refused("StartSession", activity_id=5, settings=ONE_WORD)
    assert (status, body["error"], set(body)) == (422, "idempotency_key_reused", {"error", "message"})


async def test_any_number_of_sessions_may_be_open(portal: Client) -> None:
    assert len({await portal.start() for _ in range(3)}) == 3


async def test_the_settings_have_the_documented_defaults(session_settings: dict[str, Any]) -> None:
    bare = {name: value for name, value in session_settings.items() if not name.startswith("portal_")}
    settings = SessionSettings(**bare)

    assert settings.portal_starts_per_hour == 30
    assert settings.portal_progress_updates_per_minute == 120
    assert settings.portal_completions_per_hour == 30
    assert settings.portal_history_cache_seconds == 300
    assert settings.portal_details_cache_seconds == 60
    async with serving(settings):
        pass
