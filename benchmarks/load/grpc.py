"""Unary gRPC calls over one HTTP/2 connection, with no more of either than a load generator needs.

gRPC's own Python client takes as much of a processor as the service that it asks. The server is told to keep
no table of headers, so that the status stands in the trailers as text.
"""

from __future__ import annotations

import asyncio
from typing import cast

_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
# How a header says that a call went well: the length of its name, its name, that of its value, its value.
_OK = b"\x0bgrpc-status\x010"
_WINDOW = 2**31 - 1
_FIRST_WINDOW = 65_535
_HEADER_TABLE_SIZE, _INITIAL_WINDOW_SIZE = 1, 4


class GrpcConnection(asyncio.Protocol):
    """Calls one method, many calls at once."""

    def __init__(self, host: str, method: str) -> None:
        self._fixed = b"".join(
            _header(name, value)
            for name, value in (
                (b":method", b"POST"),
                (b":scheme", b"http"),
                (b":path", method.encode()),
                (b":authority", host.encode()),
                (b"content-type", b"application/grpc"),
                (b"te", b"trailers"),
            )
        )
        self._received = bytearray()
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._messages: dict[int, bytearray] = {}
        # The last headers of each: the trailers, once it is over.
        self._headers: dict[int, bytes] = {}
        self._stream = 1
        # What may still be sent: in all, and of a new call.
        self._window, self._stream_window = _FIRST_WINDOW, _FIRST_WINDOW
        self._room = asyncio.Event()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, host: str, port: int, method: str) -> GrpcConnection:
        """Returns an open connection for `/package.Service/Method`."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: cls(f"{host}:{port}", method), host, port)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the preface, and that it takes whatever comes."""
        self._transport = cast(asyncio.Transport, transport)
        settings = b"".join(
            name.to_bytes(2, "big") + value.to_bytes(4, "big")
            for name, value in ((_HEADER_TABLE_SIZE, 0), (_INITIAL_WINDOW_SIZE, _WINDOW))
        )
        self._transport.write(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            + _frame(_SETTINGS, 0, 0, settings)
            + _frame(_WINDOW_UPDATE, 0, 0, (_WINDOW - _FIRST_WINDOW).to_bytes(4, "big"))
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Fails all calls."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(exc or ConnectionError("closed by the server"))

    def metadata(self, token: str) -> bytes:
        """Returns the headers of a call of a learner's, encoded."""
        return self._fixed + _header(b"authorization", b"Bearer " + token.encode())

    async def call(self, headers: bytes, message: bytes) -> bytes:
        """Returns the response's message, encoded. Raises ConnectionError when the status is not OK."""
        assert self._transport is not None
        body = b"\0" + len(message).to_bytes(4, "big") + message
        while self._window < len(body):
            self._room.clear()
            await self._room.wait()
        assert len(body) <= self._stream_window, "a message is larger than a call may send at once"
        self._window -= len(body)
        number, self._stream = self._stream, self._stream + 2
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._transport.write(_frame(_HEADERS, _END_HEADERS, number, headers) + _frames_of_data(number, body))
        return (await waiting)[5:]

    def close(self) -> None:
        """Closes it."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Takes whole frames."""
        received = self._received
        received += data
        at = 0
        while len(received) - at >= 9:
            length = int.from_bytes(received[at : at + 3], "big")
            if len(received) - at - 9 < length:
                break
            kind, flags = received[at + 3], received[at + 4]
            stream = int.from_bytes(received[at + 5 : at + 9], "big") & _WINDOW
            self._take(kind, flags, stream, bytes(received[at + 9 : at + 9 + length]))
            at += 9 + length
        del received[:at]

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        assert self._transport is not None
        if kind == _DATA:
            self._messages.setdefault(stream, bytearray()).extend(payload)
        elif kind == _HEADERS:
            self._headers[stream] = payload
        elif kind == _SETTINGS and not flags & _ACK:
            for at in range(0, len(payload), 6):
                if int.from_bytes(payload[at : at + 2], "big") == _INITIAL_WINDOW_SIZE:
                    self._stream_window = int.from_bytes(payload[at + 2 : at + 6], "big")
            self._transport.write(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            self._transport.write(_frame(_PING, _ACK, 0, payload))
        elif kind == _WINDOW_UPDATE and stream == 0:
            self._window += int.from_bytes(payload, "big")
            self._room.set()
        elif kind == _GOAWAY:
            self._transport.close()
        if kind == _RST_STREAM or (kind in (_DATA, _HEADERS) and flags & _END_STREAM):
            waiting = self._waiting.pop(stream, None)
            message, headers = self._messages.pop(stream, b""), self._headers.pop(stream, b"")
            if waiting is None or waiting.done():
                return
            if kind != _RST_STREAM and _OK in headers:
                waiting.set_result(bytes(message))
            else:
                waiting.set_exception(ConnectionError(f"answered otherwise: {headers!r}"))


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _frames_of_data(stream: int, body: bytes) -> bytes:
    """Returns the body in frames of the size that everybody takes."""
    parts = [body[at : at + 16_384] for at in range(0, len(body), 16_384)]
    last = len(parts) - 1
    return b"".join(
        _frame(_DATA, _END_STREAM if number == last else 0, stream, part) for number, part in enumerate(parts)
    )


def _header(name: bytes, value: bytes) -> bytes:
    """Returns a header that neither side remembers (RFC 7541, 6.2.2)."""
    return b"\0" + _text(name) + _text(value)


def _text(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes((len(text),)) + text
    rest, encoded = len(text) - 127, bytearray((127,))
    while rest >= 128:
        encoded.append(rest % 128 + 128)
        rest //= 128
    encoded.append(rest)
    return bytes(encoded) + text
