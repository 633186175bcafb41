"""Sync from JSON: an item may have any fault, and keeps no other one out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from google.rpc.error_details_pb2 import ErrorInfo
from practice.session.v1 import sync_service_pb2 as pb
from practice.session.v1 import sync_service_pb2_grpc as rpc
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from session_service.adapters.db import tables
from tests.grpc_errors import refusal
from tests.offline import offline_answer, offline_session
from tests.session_service.clients import Metadata

ENDED = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
Outcome = pb.SyncResult.Outcome


class Device:
    """Sends JSON as one learner."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata) -> None:
        self._stub = rpc.SyncServiceStub(channel)
        self._metadata = metadata

    def send(self, body: Any, *metadata: tuple[str, str]) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = pb.SyncSessionsJsonRequest(body=HttpBody(data=data))
        return self._stub.SyncSessionsJson(request, metadata=(*self._metadata, *metadata))

    async def results(self, *items: Any) -> list[pb.SyncResult]:
        return list((await self.send({"items": items})).results)


@pytest.fixture
def device(channel: grpc.aio.Channel, me: Metadata) -> Device:
    return Device(channel, me)


def told(result: pb.SyncResult) -> tuple[str, str, str]:
    """Returns a result's outcome, reason and field."""
    info = ErrorInfo()
    if result.HasField("error"):
        assert result.error.details[0].Unpack(info)
    return Outcome.Name(result.outcome).removeprefix("OUTCOME_"), info.reason, info.metadata.get("field", "")


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *(({"note": value}, "note") for value in (5, True, ["a"], {"a": 1}, "\ud83d", nested(100))),
        *(
            ({"elapsed_seconds": value}, "elapsed_seconds")
            for value in ("ten", "", True, [], {}, 1e999, 10**400)
        ),
        ({"elapsed_seconds": float("nan")}, "elapsed_seconds"),
        ({"product": 5}, "product"),
        ({"outcome": 3}, "outcome"),
        ({"outcome": "won"}, "outcome"),
        ({"start_time": 1_774_738_800}, "start_time"),
        ({"time_zone": ["UTC"]}, "time_zone"),
        ({"answers": 5}, "answers"),
        ({"answers": {"a": 1}}, "answers"),
        ({"client_id": 7}, "client_id"),
        ({"client_id": "\udc00"}, "client_id"),
    ],
)
async def test_an_item_with_a_fault_is_refused_by_the_name_of_the_field(
    device: Device, changes: dict[str, Any], field: str
) -> None:
    good, bad, other = (offline_session(ENDED, **more) for more in ({}, changes, {}))
    results = await device.results(good, bad, other)

    assert [told(result) for result in results] == [
        ("MERGED", "", ""),
        ("REFUSED", "FIELD_INVALID", field),
        ("MERGED", "", ""),
    ]


@pytest.mark.parametrize(
    "item", [None, 5, "session", [], {}, {"session": None}, {"session": 5}, {"answer": [1]}]
)
async def test_what_is_no_item_is_refused_in_its_place(device: Device, item: Any) -> None:
    results = await device.results(item, offline_session(ENDED))

    assert [told(result)[0] for result in results] == ["REFUSED", "MERGED"]


async def test_a_session_goes_without_the_answers_that_cannot_be_read(device: Device) -> None:
    good, ill, odd = (
        offline_answer(ENDED, **more) for more in ({}, {"text": 5}, {"time_taken_seconds": "x"})
    )
    (result,) = await device.results(offline_session(ENDED, answers=[good, ill, odd, None, 7]))

    assert told(result) == ("MERGED", "", "")
    assert [(each.answer_id, each.reason) for each in result.refused_answers] == [
        (ill["answer_id"], "FIELD_INVALID"),
        (odd["answer_id"], "FIELD_INVALID"),
        ("", "FIELD_INVALID"),
        ("", "FIELD_INVALID"),
    ]


async def test_what_protobuf_reads_of_json_is_read_too(device: Device) -> None:
    item = offline_session(ENDED, elapsed_seconds="300", note=None, unknown={"a": nested(2_0)})
    item["session"]["timeZone"] = item["session"].pop("time_zone")
    item["answer"] = None

    assert told((await device.results(item))[0]) == ("MERGED", "", "")


async def test_however_deep_an_item_is_nested_the_others_are_merged(device: Device) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    good, bad = (json.dumps(offline_session(ENDED, note="~")).encode() for _ in range(2))
    response = await device.send(b'{"items": [%s, %s]}' % (good, bad.replace(b'"~"', deep)))

    assert [told(result) for result in response.results] == [
        ("MERGED", "", ""),
        ("REFUSED", "FIELD_INVALID", "note"),
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        *(
            (body, "REQUEST_MALFORMED")
            for body in (b"", b"{", b"[]", b"null", b"{'items': []}", b"[" * 100_000)
        ),
        *(
            (body, "FIELD_INVALID")
            for body in (b"{}", b'{"items": []}', b'{"items": {}}', b'{"items": null}')
        ),
        ({"items": [None] * 2_001}, "FIELD_INVALID"),
        ({"items": [None], "request_id": "x" * 129}, "FIELD_INVALID"),
        ({"items": [None], "request_id": 5}, "FIELD_INVALID"),
    ],
)
async def test_only_what_has_no_items_fails_the_call(device: Device, body: Any, reason: str) -> None:
    assert (await refusal(device.send(body))).reason == reason


async def test_a_repeat_under_its_key_is_one_request_however_it_is_spelled(device: Device) -> None:
    item = offline_session(ENDED)
    text = json.dumps({"items": [item]}, indent=1).encode()
    key = ("idempotency-key", item["session"]["client_id"])
    first = await device.send({"items": [item]}, key)

    assert await device.send(text, key) == first
    assert await device.send({"request_id": key[1], "items": [item]}) == first
    other = {"items": [offline_session(ENDED)]}
    assert (await refusal(device.send(other, key))).reason == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.parametrize("in_header", [True, False])
async def test_a_repeat_gets_the_response_that_was_saved_and_not_one_made_anew(
    device: Device, engine: AsyncEngine, user_id: int, in_header: bool
) -> None:
    item = offline_session(ENDED)
    key = item["session"]["client_id"]
    body = {"items": [item]} if in_header else {"items": [item], "request_id": key}
    metadata = [("idempotency-key", key)] if in_header else []
    first = await device.send(body, *metadata)
    mine = tables.idempotency.c.user_id == user_id
    async with engine.begin() as connection:
        unreadable = update(tables.idempotency).where(mine).values(outcome={})
        assert (await connection.execute(unreadable)).rowcount == 1

    assert await device.send(body, *metadata) == first
