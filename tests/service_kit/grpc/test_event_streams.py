"""Streams of server-sent events are never silent, and end with a word."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from practice.session.v1.practice_session_pb2 import SessionChange

from service_kit.errors import FieldsInvalidError, NotFoundError
from service_kit.grpc.concurrency import ConcurrencyLimit
from service_kit.grpc.presentation import (
    events_began,
    events_ended,
    last_event_id,
    still_there,
    to_event,
)
from service_kit.grpc.streams import Pace
from service_kit.tokens import TokenVerifier
from tests.described import read_events
from tests.service_kit.grpc.test_streams import PIECE, Revocable, Source, end_of, silence, streaming
from tests.tokens import ISSUER, TestTokens
from tests.waiting import PATIENCE_SECONDS, until

ALIVE = still_there().data
QUIET = Pace(60, check=0.05, quiet=0.2)


def limit() -> ConcurrencyLimit:
    return ConcurrencyLimit("watches", 5, 5)


async def last_of(call: Any) -> dict[str, str]:
    """Reads to the end of a stream, which says why it ends; nothing may follow."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        text = ""
        while (piece := await call.read()) is not grpc.aio.EOF:
            text = piece.data.decode()
    (last,) = read_events(text)
    assert last.name == "end"
    told: dict[str, str] = json.loads(last.data)
    return told


async def test_a_stream_in_which_nothing_happens_says_that_it_is_there(tokens: TestTokens) -> None:
    verifier = TokenVerifier(tokens.jwks_uri, ISSUER)
    async with streaming(silence, verifier, QUIET, limit(), events=True) as (stream, _):
        call = stream(HttpBody(), metadata=tokens.bearer(1))
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert [(await call.read()).data for _ in range(4)] == [b"begun", *[ALIVE] * 3]
        call.cancel()


async def test_a_stream_whose_events_come_fast_says_nothing_else(tokens: TestTokens) -> None:
    async def ticking() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"tick"
            await asyncio.sleep(0.01)

    verifier = TokenVerifier(tokens.jwks_uri, ISSUER)
    pace = Pace(60, check=0.05, quiet=PATIENCE_SECONDS)
    async with streaming(ticking, verifier, pace, limit(), events=True) as (stream, _):
        pieces = [piece.data async for piece in stream(HttpBody(), metadata=tokens.bearer(1))]
    assert pieces == [b"tick"] * 40


async def test_the_last_event_says_that_the_token_has_expired(tokens: TestTokens) -> None:
    verifier, places = TokenVerifier(tokens.jwks_uri, ISSUER), limit()
    async with streaming(silence, verifier, QUIET, places, events=True) as (stream, _):
        # Good for some seconds yet: clocks differ.
        call = stream(HttpBody(), metadata=tokens.bearer(1, exp=int(time.time())))
        assert (await last_of(call))["reason"] == "TOKEN_INVALID"
        assert await call.code() == grpc.StatusCode.OK
        await until(lambda: not places.in_use())


async def test_the_last_event_says_that_the_token_was_ended(tokens: TestTokens) -> None:
    verifier = Revocable(tokens.jwks_uri, ISSUER)
    async with streaming(silence, verifier, QUIET, limit(), events=True) as (stream, _):
        call = stream(HttpBody(), metadata=tokens.bearer(1))
        assert (await call.read()).data == b"begun"
        verifier.revoked = True
        assert await last_of(call) == {
            "reason": "TOKEN_INVALID",
            "message": "The access token was ended; log in again",
        }


def failing(error: Exception, *pieces: bytes) -> Source:
    async def source() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        raise error

    return source


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotFoundError("It is gone", reason="SESSION_NOT_FOUND"), "SESSION_NOT_FOUND"),
        (RuntimeError("the password is 1234"), "INTERNAL"),
    ],
)
async def test_an_error_is_the_last_event_of_a_stream_that_has_begun_and_an_error_before(
    error: Exception, reason: str, tokens: TestTokens
) -> None:
    verifier = TokenVerifier(tokens.jwks_uri, ISSUER)
    async with streaming(failing(error, b"begun"), verifier, QUIET, limit(), events=True) as (stream, _):
        told = await last_of(stream(HttpBody(), metadata=tokens.bearer(1)))
        assert told["reason"] == reason
        assert "1234" not in told["message"]
    async with streaming(failing(error), verifier, QUIET, limit(), events=True) as (stream, _):
        assert (await end_of(stream(HttpBody(), metadata=tokens.bearer(1)))).reason == reason


async def test_who_reads_no_events_is_not_waited_for(tokens: TestTokens) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield PIECE

    verifier, places = TokenVerifier(tokens.jwks_uri, ISSUER), limit()
    async with streaming(endless, verifier, Pace(stall=0.5), places, events=True) as (stream, _):
        call = stream(HttpBody(), metadata=tokens.bearer(1))
        assert (await call.read()).data == PIECE
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until(lambda: not places.in_use())
        assert (await end_of(call)).code == grpc.StatusCode.UNAVAILABLE


def test_an_event_has_an_id_a_name_and_a_message_as_the_gateway_writes_it() -> None:
    change = SessionChange(kind=SessionChange.KIND_DRAFT_SAVED, cursor=7, answer_count=2)
    text = to_event("draft_saved", 7, change).data.decode()
    assert text.startswith("id: 7\nevent: draft_saved\ndata: {")
    assert text.endswith("}\n\n")
    (event,) = read_events(text)
    assert json.loads(event.data) == {
        "kind": "KIND_DRAFT_SAVED",
        "cursor": "7",
        "state": "STATE_UNSPECIFIED",
        "answer_count": 2,
        "correct_answer_count": 0,
        "item_count": 0,
        "answered_item_count": 0,
        "right_run": 0,
        "mastered_item_count": 0,
    }


def test_whatever_is_said_is_one_line() -> None:
    assert events_began().data == b"retry: 2000\n\n"
    assert ALIVE == b":\n\n"
    text = events_ended("INTERNAL", "two\nlines\u2028or three").data.decode()
    assert (text.count("\n"), len(text.splitlines())) == (3, 3)
    assert {each.content_type for each in (events_began(), still_there(), events_ended("A", "b"))} == {
        "text/event-stream"
    }


@pytest.mark.parametrize("said", ["-1", "1.5", "seven", "1" * 19, "7\t"])
def test_what_was_never_the_id_of_an_event_is_refused(said: str) -> None:
    with pytest.raises(FieldsInvalidError) as raised:
        last_event_id({"last-event-id": said})
    assert raised.value.faults[0].field == "last-event-id"


def test_the_last_id_is_a_number_and_zero_is_one() -> None:
    assert [last_event_id(each) for each in ({"last-event-id": "0"}, {"last-event-id": ""}, {})] == [
        0,
        None,
        None,
    ]
