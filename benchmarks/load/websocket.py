"""One WebSocket that listens to a session of the portal, with no more than a load generator needs."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable
from typing import cast

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_FIN, _MASKED = 0x80, 0x80


class Listener(asyncio.Protocol):
    """Calls `heard` with each event; `opened` is done when the server has taken it on."""

    def __init__(self, request: bytes, heard: Callable[[bytes], None]) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._request = request
        self._heard = heard
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(
        cls, host: str, port: int, path: str, token: str, heard: Callable[[bytes], None]
    ) -> Listener:
        """Returns one that listens. Raises ConnectionError when it is refused."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"host: {host}:{port}", f"authorization: Bearer {token}"]
        lines += ["upgrade: websocket", "connection: Upgrade", f"sec-websocket-key: {key}"]
        request = "\r\n".join([*lines, "sec-websocket-version: 13", "", ""]).encode()
        loop = asyncio.get_running_loop()
        _, listener = await loop.create_connection(lambda: cls(request, heard), host, port)
        await listener.opened
        return listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks to listen."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Remembers that it hears nothing any more."""
        self.lost = True
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed by the server"))

    def close(self) -> None:
        """Closes it."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Takes whole frames."""
        received = self._received
        received += data
        if not self.opened.done():
            head, end, _ = received.partition(b"\r\n\r\n")
            if not end:
                return
            del received[: len(head) + len(end)]
            if head.split(b" ", 2)[1] != b"101":
                self.opened.set_exception(ConnectionError(f"refused: {bytes(head)!r}"))
                return
            self.opened.set_result(None)
        while (frame := self._next()) is not None:
            self._take(*frame)

    def _next(self) -> tuple[int, bytes] | None:
        """Returns what a whole frame is and has, and forgets it. No event is longer than 64 KiB."""
        received = self._received
        if len(received) < 4 and not (len(received) >= 2 and received[1] + 2 <= len(received)):
            return None
        start, length = (2, received[1]) if received[1] < 126 else (4, int.from_bytes(received[2:4], "big"))
        if len(received) < start + length:
            return None
        kind, payload = received[0] & 0x0F, bytes(received[start : start + length])
        del received[: start + length]
        return kind, payload

    def _take(self, kind: int, payload: bytes) -> None:
        assert self._transport is not None
        if kind == _TEXT:
            self._heard(payload)
        elif kind == _PING:
            # Masked, as clients' frames are, with a key of zeros.
            self._transport.write(bytes((_FIN | _PONG, _MASKED | len(payload))) + bytes(4) + payload)
        elif kind == _CLOSE:
            self._transport.close()
