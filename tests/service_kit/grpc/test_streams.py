"""Streams end with their token, and with the patience that a reader is shown."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody

from service_kit.grpc.concurrency import ConcurrencyLimit, ConcurrencyLimits
from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import build_server, start_server
from service_kit.grpc.streams import Pace
from service_kit.tokens import Identity, TokenVerifier
from tests.grpc_errors import Refusal
from tests.tokens import ISSUER, TestTokens
from tests.waiting import PATIENCE_SECONDS

SERVICE = "kit.test.v1.StreamService"
PIECE = b"x" * 64 * 1024

Source = Callable[[], AsyncIterator[bytes]]


class Revocable(TokenVerifier):
    """Takes tokens until it is told that they have ended."""

    revoked = False

    def has_ended(self, identity: Identity) -> bool:
        return self.revoked


@asynccontextmanager
async def streaming(
    source: Source, verifier: TokenVerifier, pace: Pace, limit: ConcurrencyLimit, *, events: bool = False
) -> AsyncIterator[tuple[Any, int]]:
    """Serves a source as a stream; yields the method at a client that takes 64 KiB ahead, and the port.

    `events` when it is one of server-sent events.
    """

    async def stream(request: HttpBody, context: object) -> AsyncIterator[HttpBody]:
        async for data in source():
            yield HttpBody(data=data)

    handler = grpc.unary_stream_rpc_method_handler(
        stream,  # type: ignore[arg-type]
        request_deserializer=HttpBody.FromString,
        response_serializer=HttpBody.SerializeToString,
    )
    interceptor = CallInterceptor(
        Access(verifier, "secret"),
        limits=ConcurrencyLimits(limit),
        pace=pace,
        events=[f"/{SERVICE}/Stream"] if events else [],
    )
    server = build_server(interceptor)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Stream": handler}),))
    running = await start_server(server, "127.0.0.1:0", [])
    options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 64 * 1024)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.port}", options=options) as channel:
        yield (
            channel.unary_stream(
                f"/{SERVICE}/Stream",
                request_serializer=HttpBody.SerializeToString,
                response_deserializer=HttpBody.FromString,
            ),
            running.port,
        )
    await running.stop(0, drain_seconds=0)


async def silence() -> AsyncIterator[bytes]:
    """Begins, and then has nothing to say."""
    yield b"begun"
    await asyncio.Event().wait()


async def end_of(call: Any) -> Refusal:
    """Reads to the end of a stream that must be broken off."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await call.read() is not grpc.aio.EOF:
                pass
    return Refusal(raised.value)


async def test_a_stream_ends_when_its_token_expires(tokens: TestTokens) -> None:
    limit = ConcurrencyLimit("watches", 5, 5)
    verifier = TokenVerifier(tokens.jwks_uri, ISSUER)
    async with streaming(silence, verifier, Pace(60, 0.1), limit) as (stream, _):
        call = stream(HttpBody(), metadata=tokens.bearer(1, exp=int(time.time()) + 1))
        assert (await call.read()).data == b"begun"
        ended = await end_of(call)
        assert (ended.code, ended.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
        assert limit.in_use() == 0


async def test_a_stream_ends_when_its_token_is_revoked_and_goes_on_until_then(tokens: TestTokens) -> None:
    verifier = Revocable(tokens.jwks_uri, ISSUER)

    async def ticking() -> AsyncIterator[bytes]:
        while True:
            yield b"tick"
            await asyncio.sleep(0.02)

    async with streaming(ticking, verifier, Pace(60, 0.1), ConcurrencyLimit("watches", 5, 5)) as (stream, _):
        call = stream(HttpBody(), metadata=tokens.bearer(1))
        for _ in range(20):
            assert (await call.read()).data == b"tick"
        verifier.revoked = True
        assert (await end_of(call)).code == grpc.StatusCode.UNAUTHENTICATED


async def test_who_reads_nothing_is_not_waited_for(tokens: TestTokens) -> None:
    limit = ConcurrencyLimit("downloads", 5, 1)
    ended = asyncio.Event()
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        try:
            while True:
                given += 1
                yield PIECE
        finally:
            ended.set()

    verifier = TokenVerifier(tokens.jwks_uri, ISSUER)
    async with streaming(endless, verifier, Pace(stall=0.5), limit) as (stream, _):
        call = stream(HttpBody(), metadata=tokens.bearer(1))
        assert (await call.read()).data == PIECE
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ended.wait()
            while limit.in_use():
                await asyncio.sleep(0.01)
        # No more was made than fits on the way.
        assert given < 20
        # Whoever reads on after all is told.
        told = await end_of(call)
        assert (told.code, told.metadata) == (grpc.StatusCode.UNAVAILABLE, {"part": "client"})


async def test_who_reads_slowly_gets_everything(tokens: TestTokens) -> None:
    async def hundred() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield PIECE

    verifier = TokenVerifier(tokens.jwks_uri, ISSUER)
    async with streaming(hundred, verifier, Pace(stall=30), ConcurrencyLimit("downloads", 5, 1)) as (
        stream,
        _,
    ):
        size = 0
        async for piece in stream(HttpBody(), metadata=tokens.bearer(1)):
            size += len(piece.data)
            await asyncio.sleep(0.01)
    assert size == 100 * len(PIECE)


async def test_no_header_that_is_not_text_reaches_the_log(
    tokens: TestTokens, log_lines: Callable[[], list[str]]
) -> None:
    token = tokens.issue(1)
    verifier = TokenVerifier(tokens.jwks_uri, ISSUER)
    async with streaming(silence, verifier, Pace(), ConcurrencyLimit("watches", 5, 5)) as (_, port):
        answer = await asyncio.to_thread(_ask_raw, port, f"Bearer {token}".encode() + b"\xe9")
    assert answer, "the server took the request and answered"
    logged = "\n".join(log_lines())
    assert token not in logged
    assert "Invalid encoding" not in logged


def _ask_raw(port: int, authorization: bytes) -> bytes:
    """Sends one HTTP/2 request with header bytes as they are, and returns what comes back after settings."""

    def literal(name: bytes, value: bytes) -> bytes:
        return b"\x00" + _length(name) + name + _length(value) + value

    headers = b"".join(
        (
            literal(b":method", b"POST"),
            literal(b":scheme", b"http"),
            literal(b":path", f"/{SERVICE}/Stream".encode()),
            literal(b":authority", b"localhost"),
            literal(b"te", b"trailers"),
            literal(b"content-type", b"application/grpc"),
            literal(b"authorization", authorization),
        )
    )
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, b""))
        connection.sendall(_frame(1, 4, 1, headers) + _frame(0, 1, 1, b"\0" * 5))
        answers = connection.makefile("rb")
        while True:
            head = answers.read(9)
            body = answers.read(int.from_bytes(head[:3]))
            if head[3] == 1:
                return body


def _length(text: bytes) -> bytes:
    """Returns a length as HPACK writes it, with seven bits for it in the first byte."""
    left = len(text)
    if left < 127:
        return bytes([left])
    written, left = [127], left - 127
    while left >= 128:
        written.append(left % 128 + 128)
        left //= 128
    return bytes([*written, left])


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload
