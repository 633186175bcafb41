"""A call leaves one line, which says what was called, for whom, how it went and how long it took."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from practice.catalog.v1 import exercise_pb2

from service_kit.errors import NotFoundError
from service_kit.request_ids import REQUEST_ID_KEY, current_request_id, with_request_id
from tests.grpc_errors import refusal
from tests.service_kit.conftest import PUBLIC_SERVICE, SERVICE, Serve
from tests.tokens import TestTokens

LogLines = Callable[[], list[str]]


def calls(log_lines: LogLines) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, log_lines()) if line["event"] == "call"]


async def answering(_: object) -> exercise_pb2.Exercise:
    return exercise_pb2.Exercise(name="exercises/1")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_that_succeeds_leaves_one_line(
    serve: Serve, tokens: TestTokens, log_lines: LogLines, stream: bool
) -> None:
    metadata = (("x-request-id", "trace-7"), *tokens.bearer(12))
    async with serve(answering) as get:
        await get(metadata, service=SERVICE, stream=stream)

    (line,) = calls(log_lines)
    assert line["milliseconds"] >= 0
    assert (line["status"], line["user_id"], line["request_id"]) == ("OK", 12, "trace-7")
    assert line["method"] == f"/{SERVICE}/{'Watch' if stream else 'Get'}"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_that_is_refused_leaves_one_line(
    serve: Serve, log_lines: LogLines, stream: bool
) -> None:
    async def failing(_: object) -> exercise_pb2.Exercise:
        raise NotFoundError("not there", reason="CONTENT_NOT_FOUND")

    async with serve(failing) as get:
        await refusal(get(stream=stream))

    (line,) = calls(log_lines)
    assert line["status"] == "NOT_FOUND"
    assert line["method"].startswith(f"/{PUBLIC_SERVICE}/")


async def test_a_call_without_a_request_id_gets_one_that_its_calls_to_others_carry(
    serve: Serve, log_lines: LogLines
) -> None:
    seen: list[str] = []

    async def asking(_: object) -> exercise_pb2.Exercise:
        seen.append(dict(with_request_id([("key", "value")]))[REQUEST_ID_KEY])
        return exercise_pb2.Exercise()

    async with serve(asking) as get:
        await get()
        await get((("x-request-id", "x" * 4_000),))

    assert [line["request_id"] for line in calls(log_lines)] == seen
    assert len(seen[0]) == 36
    assert seen[1] == "x" * 128
    assert current_request_id() == ""


async def test_a_caller_who_leaves_is_told_apart_from_an_answer(serve: Serve, log_lines: LogLines) -> None:
    reached = asyncio.Event()

    async def waiting(_: object) -> exercise_pb2.Exercise:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with serve(waiting) as get:
        leaving = asyncio.create_task(get())
        await reached.wait()
        leaving.cancel()
        async with asyncio.timeout(30):
            while not calls(log_lines):
                await asyncio.sleep(0.01)

    assert [line["status"] for line in calls(log_lines)] == ["CANCELLED"]
