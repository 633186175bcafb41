"""One HTTP/1.1 connection that is kept open, with no more than a load generator needs."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast


class Connection(asyncio.Protocol):
    """Sends one request at a time."""

    def __init__(self, host: str) -> None:
        self._host = host.encode()
        self._received = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, host: str, port: int) -> Connection:
        """Returns an open connection."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: cls(f"{host}:{port}"), host, port)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Is told that it is open."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tells whoever waits that it was closed."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("closed by the server"))

    def prepare(self, method: str, path: str, token: str, body: Any = None) -> bytes:
        """Returns the bytes of a request, which may be sent many times."""
        sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1".encode(),
            b"host: " + self._host,
            b"authorization: Bearer " + token.encode(),
            b"content-type: application/json",
            b"content-length: %d" % len(sent),
        ]
        return b"\r\n".join(lines) + b"\r\n\r\n" + sent

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Returns the status and the body of the answer. Raises ConnectionError."""
        assert self._transport is not None
        if self._transport.is_closing():
            raise ConnectionError("closed by the server")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Closes it."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Collects until the answer is whole."""
        received = self._received
        received += data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(received[:end]).lower()
        at = head.find(b"\r\ncontent-length:")
        if at >= 0:
            length = int(head[at + 17 :].split(b"\r\n", 1)[0])
            if len(received) < end + 4 + length:
                return
            body = bytes(received[end + 4 : end + 4 + length])
        elif b"\r\ntransfer-encoding: chunked" in head:
            if not received.endswith(b"0\r\n\r\n"):
                return
            body = _joined(bytes(received[end + 4 :]))
        else:
            body = b""
        received.clear()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((int(head[9:12]), body))


def _joined(chunks: bytes) -> bytes:
    body, rest = b"", chunks
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            break
        body, rest = body + rest[:length], rest[length + 2 :]
    return body
