"""What happens around every handler."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from practice.catalog.v1 import exercise_pb2
from sqlalchemy import Text, bindparam, exc, text

from service_kit import errors
from service_kit.call import Call, current_call
from service_kit.db.engines import open_async_engine, open_engine
from service_kit.grpc.guards import Access
from service_kit.grpc.presentation import ProductError, http_status
from service_kit.tokens import TokenVerifier
from tests.grpc_errors import refusal
from tests.service_kit.conftest import ADMIN_SERVICE, PUBLIC_SERVICE, SERVICE, Serve
from tests.tokens import ISSUER, TestTokens

SECRET = "the answer is hable"


def failing(error: Exception) -> Callable[[object], Awaitable[Any]]:
    async def behaviour(_: object) -> Any:
        raise error

    return behaviour


async def answering(_: object) -> exercise_pb2.Exercise:
    return exercise_pb2.Exercise(name="exercises/1")


@pytest.mark.parametrize("stream", [False, True])
async def test_the_text_of_an_unknown_error_stays_inside_and_is_logged_once(
    serve: Serve, log_lines: Callable[[], list[str]], stream: bool
) -> None:
    async with serve(failing(RuntimeError(SECRET))) as get:
        refused = await refusal(get((("x-request-id", "trace-7"),), stream=stream))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert refused.metadata == {"request_id": "trace-7"}
    assert SECRET not in refused.message + str(refused.trailing)
    (logged,) = [line for line in map(json.loads, log_lines()) if line["level"] == "error"]
    assert logged["event"] == "unexpected_error"
    assert logged["request_id"] == "trace-7"
    assert logged["method"] == f"/{PUBLIC_SERVICE}/{'Watch' if stream else 'Get'}"
    assert SECRET in logged["exception"]


@pytest.mark.parametrize(
    ("category", "code"),
    [
        (errors.NotFoundError, grpc.StatusCode.NOT_FOUND),
        (errors.ConflictError, grpc.StatusCode.ALREADY_EXISTS),
        (errors.InvalidArgumentError, grpc.StatusCode.INVALID_ARGUMENT),
        (errors.InvalidStateError, grpc.StatusCode.FAILED_PRECONDITION),
        (errors.PermissionDeniedError, grpc.StatusCode.PERMISSION_DENIED),
        (errors.StaleWriteError, grpc.StatusCode.ABORTED),
        (errors.UnauthenticatedError, grpc.StatusCode.UNAUTHENTICATED),
        (errors.RateLimitedError, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.UnavailableError, grpc.StatusCode.UNAVAILABLE),
    ],
)
async def test_the_category_of_an_error_decides_the_status(
    serve: Serve, category: type[errors.ServiceError], code: grpc.StatusCode
) -> None:
    class SpecialError(category):  # type: ignore[misc, valid-type]
        reason = "SESSION_ENDED"

    async with serve(failing(SpecialError("It has ended: ñ", session="sessions/1", count=3))) as get:
        refused = await refusal(get())

    assert (refused.code, refused.reason, refused.message) == (code, "SESSION_ENDED", "It has ended: ñ")
    assert refused.metadata == {"session": "sessions/1", "count": "3"}
    assert not {"x-practice-status", "x-practice-body"} & refused.trailing.keys()


async def test_an_error_that_says_when_to_come_back_says_so_in_a_trailer_too(serve: Serve) -> None:
    async with serve(failing(errors.RateLimitedError("Too many", retry_after=7))) as get:
        refused = await refusal(get())

    assert (refused.metadata, refused.trailing["retry-after"]) == ({"retry_after": "7"}, "7")
    assert "ratelimit" not in refused.trailing


@pytest.mark.parametrize(
    ("policy", "metadata", "limit", "left"),
    [
        (
            errors.LimitPolicy("starts", 30, 3600),
            {"retry_after": 7},
            '"starts";q=30;w=3600',
            '"starts";r=0;t=7',
        ),
        (errors.LimitPolicy("problems", 500), {}, '"problems";q=500', '"problems";r=0'),
        (
            errors.LimitPolicy("bytes", 64, unit="content-bytes"),
            {},
            '"bytes";q=64;qu="content-bytes"',
            '"bytes";r=0',
        ),
    ],
)
async def test_a_limit_that_was_reached_is_told_in_the_headers_of_rate_limits(
    serve: Serve, policy: errors.LimitPolicy, metadata: dict[str, object], limit: str, left: str
) -> None:
    async with serve(failing(errors.RateLimitedError("Too many", policy, **metadata))) as get:
        told = (await refusal(get())).trailing
    assert (told["ratelimit-policy"], told["ratelimit"]) == (limit, left)


async def test_a_product_tells_errors_in_its_own_shape_beside_the_canonical_one(serve: Serve) -> None:
    def present(error: errors.ServiceError) -> ProductError:
        return ProductError(http_status(error, {"ITEM_NOT_FOUND": 410}), {"detail": error.message})

    gone = errors.NotFoundError("Ejercicio no encontrado: ñ", reason="ITEM_NOT_FOUND")
    async with serve(failing(gone), presenters={PUBLIC_SERVICE: present}) as get:
        refused = await refusal(get())
        before_the_handler = await refusal(get(name="nothing"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "ITEM_NOT_FOUND")
    assert refused.trailing["x-practice-status"] == "410"
    body = refused.trailing["x-practice-body"]
    assert isinstance(body, str)
    assert body.isascii()
    assert json.loads(body) == {"detail": "Ejercicio no encontrado: ñ"}
    assert before_the_handler.trailing["x-practice-status"] == "400"


async def test_a_handler_that_takes_too_long_is_stopped_at_the_cap(serve: Serve) -> None:
    stopped = asyncio.Event()

    async def behaviour(_: object) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with serve(behaviour, max_deadline_seconds=0.05) as get:
        refused = await refusal(get())

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
    assert stopped.is_set()


async def test_a_database_that_does_not_answer_is_told_as_such(serve: Serve) -> None:
    async def behaviour(_: object) -> Any:
        engine = open_async_engine("postgresql://nobody:x@127.0.0.1:1/none", pool_size=1, application="test")
        try:
            await engine.connect()
        finally:
            await engine.dispose()

    async with serve(behaviour) as get:
        refused = await refusal(get())

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
    assert "127.0.0.1" not in refused.message + str(refused.metadata)


async def test_a_database_that_cuts_a_call_off_is_told_as_such(serve: Serve, database_url: str) -> None:
    async def behaviour(_: object) -> Any:
        engine = open_async_engine(database_url, pool_size=1, application="test")
        try:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        finally:
            await engine.dispose()

    async with serve(behaviour) as get:
        refused = await refusal(get())

    assert refused.reason == "DEPENDENCY_UNAVAILABLE"


async def test_a_value_the_driver_cannot_send_is_our_fault_and_not_the_databases(
    serve: Serve, database_url: str
) -> None:
    async def behaviour(_: object) -> Any:
        engine = open_async_engine(database_url, pool_size=1, application="test")
        try:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT CAST(:number AS bigint)"), {"number": 2**63})
        finally:
            await engine.dispose()

    async with serve(behaviour) as get:
        refused = await refusal(get())

    assert refused.reason == "INTERNAL"


@pytest.mark.parametrize("statement", ["SELECT CAST(:text AS text)", "SELECT CAST(:text AS jsonb)"])
async def test_text_that_postgresql_cannot_store_is_the_callers_fault(
    serve: Serve, database_url: str, statement: str
) -> None:
    value = "a\0b" if "text)" in statement else '{"a": "\\u0000"}'

    async def behaviour(_: object) -> Any:
        engine = open_async_engine(database_url, pool_size=1, application="test")
        try:
            async with engine.connect() as connection:
                await connection.execute(text(statement).bindparams(bindparam("text", value, Text)))
        finally:
            await engine.dispose()

    async with serve(behaviour) as get:
        refused = await refusal(get())

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")


async def test_a_failed_statement_is_logged_without_what_it_carried(
    serve: Serve, database_url: str, log_lines: Callable[[], list[str]]
) -> None:
    async def behaviour(_: object) -> Any:
        engine = open_async_engine(database_url, pool_size=1, application="test")
        try:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT :text FROM missing"), {"text": SECRET})
        finally:
            await engine.dispose()

    async with serve(behaviour) as get:
        assert (await refusal(get())).reason == "INTERNAL"

    output = "".join(log_lines())
    assert "unexpected_error" in output
    assert SECRET not in output


def test_the_engine_of_workers_hides_parameters_too(database_url: str) -> None:
    engine = open_engine(database_url, pool_size=1, application="test")
    with pytest.raises(exc.ProgrammingError) as raised, engine.connect() as connection:
        connection.execute(text("SELECT :text FROM missing"), {"text": SECRET})
    engine.dispose()

    assert SECRET not in str(raised.value)


async def test_the_call_knows_who_makes_it_and_nothing_stays_for_the_next(
    serve: Serve, tokens: TestTokens
) -> None:
    seen: list[Call] = []

    async def behaviour(_: object) -> exercise_pb2.Exercise:
        seen.append(current_call())
        return exercise_pb2.Exercise()

    async with serve(behaviour) as get:
        await get(
            (
                *tokens.bearer(7, "ana@example.com"),
                ("x-time-zone", "Europe/Madrid"),
                ("idempotency-key", "k"),
            ),
            service=SERVICE,
        )
        await get()

    first, second = seen
    assert (first.user_id, first.email, first.time_zone) == (7, "ana@example.com", "Europe/Madrid")
    assert first.request is not None
    assert (first.request.key, first.request.method) == ("k", f"/{SERVICE}/Get")
    assert second == Call()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_service_for_the_platform_refuses_everybody_without_the_secret(
    serve: Serve, tokens: TestTokens, internal_token: str, stream: bool
) -> None:
    async with serve(answering) as get:
        for metadata in (
            (),
            tokens.bearer(1),
            (("x-practice-internal", ""),),
            (("x-practice-internal", internal_token[:-1]),),
            (("x-practice-internal", internal_token + "x"),),
            (("authorization", f"Bearer {internal_token}"),),
        ):
            refused = await refusal(get(metadata, service=ADMIN_SERVICE, stream=stream))
            assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED")

        shown = (("x-practice-internal", internal_token),)
        assert (await get(shown, service=ADMIN_SERVICE, stream=stream)).name == "exercises/1"
        # The secret opens nothing else: it says which service calls, not for whom.
        assert (await refusal(get(shown, service=SERVICE))).reason == "TOKEN_INVALID"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic {token}", "{token}", "Bearer {token}x"])
async def test_a_call_without_a_good_bearer_token_is_refused(
    serve: Serve, tokens: TestTokens, header: str
) -> None:
    metadata = (("authorization", header.format(token=tokens.issue(1))),)

    async with serve(answering) as get:
        refused = await refusal(get(metadata, service=SERVICE))
        assert (await get((("authorization", f"bearer {tokens.issue(1)}"),), service=SERVICE)).name

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_method_for_everybody_knows_who_brings_a_good_token_and_turns_nobody_away(
    serve: Serve, tokens: TestTokens, stream: bool
) -> None:
    seen: list[Call] = []

    async def behaviour(_: object) -> exercise_pb2.Exercise:
        seen.append(current_call())
        return exercise_pb2.Exercise()

    good = tokens.issue(7, "ana@example.com")
    bad = tokens.issue(7, exp=1)
    headers = (f"Bearer {good}", f"Bearer {bad}", f"Bearer {good}x", "Bearer ", "Basic x", "")
    async with serve(behaviour) as get:
        for header in headers:
            await get((("authorization", header),), stream=stream)
        await get(stream=stream)

    assert [(call.user_id, call.email) for call in seen] == [(7, "ana@example.com")] + [(0, "")] * 6


async def test_keys_that_cannot_be_read_close_no_method_for_everybody(
    tmp_path: Path, tokens: TestTokens, internal_token: str
) -> None:
    missing = TokenVerifier((tmp_path / "jwks.json").as_uri(), ISSUER)
    access = Access(missing, internal_token, public=frozenset({"/x.X/Open"}))
    metadata = dict(tokens.bearer(7))

    assert await access.identify("/x.X/Open", metadata) == Call()
    with pytest.raises(errors.UnavailableError):
        await access.identify("/x.X/Closed", metadata)


async def test_a_request_that_breaks_a_rule_of_its_schema_never_reaches_the_handler(serve: Serve) -> None:
    async with serve(failing(AssertionError("reached"))) as get:
        refused = await refusal(get(name="exercises/none"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert refused.metadata == {"field": "name", "rule": "string.pattern"}


async def test_who_is_not_admitted_learns_nothing_about_the_request(serve: Serve) -> None:
    async with serve(answering) as get:
        refused = await refusal(get(service=SERVICE, name="exercises/none"))

    assert refused.reason == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "zone",
    [
        *("Mars/Phobos", "../../etc/passwd", "europe/madrid", "GMT+25", "localtime", "Factory", "right/UTC"),
        *("Etc/Unknown", "undefined", "null", "+02:00"),
    ],
)
async def test_what_is_no_time_zone_is_ignored_and_the_answer_says_so(serve: Serve, zone: str) -> None:
    headers: dict[str, str] = {}
    async with serve(answering) as get:
        await get((("x-time-zone", zone),), headers=headers)

    assert headers["x-time-zone-ignored"] == zone


async def test_a_time_zone_that_is_taken_is_not_told(serve: Serve) -> None:
    headers: dict[str, str] = {}
    async with serve(answering) as get:
        await get((("x-time-zone", "Asia/Calcutta"),), headers=headers)

    assert "etag" in headers
    assert "x-time-zone-ignored" not in headers


async def test_an_idempotency_key_is_bounded(serve: Serve) -> None:
    async with serve(answering) as get:
        assert (await get((("idempotency-key", "k" * 128),))).name
        refused = await refusal(get((("idempotency-key", "k" * 129),)))

    assert (refused.reason, refused.metadata) == ("FIELD_INVALID", {"field": "idempotency-key"})
