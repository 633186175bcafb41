"""Live events: what a stream tells, over reconnects, nothing lost and nothing twice.

The platform answers a watch as server-sent events, which are resumed by `Last-Event-ID`, or as lines of
JSON, which are resumed by their `cursor`; its content type says which.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import TypeAdapter

from practice_client.errors import ApiError, NetworkError

if TYPE_CHECKING:
    from practice_client._transport import AsyncTransport, Call, Caller, Transport

_EVENTS, _LINES = "text/event-stream", "application/x-ndjson"
# The last event of a stream, and the reason of one that is complete.
_END, _SESSION_ENDED = "end", "SESSION_ENDED"
_OVER = frozenset({"STATE_COMPLETED", "STATE_PARTIAL", "STATE_ABANDONED"})
# A stream that is quiet for so long is opened anew: its connection may be dead unnoticed.
_QUIET = httpx.Timeout(10.0, read=90.0)
# For so long a stream is tried to be opened again.
_PATIENCE_SECONDS = 300.0
# A stream that is closed so soon, without a word and as often in a row, has nothing more to tell.
_SOON_SECONDS, _OFTEN = 5.0, 3


class EventReader:
    """Reads the events of a stream, an id, a kind and a text each, from its bytes in whatever pieces."""

    def __init__(self, content_type: str) -> None:
        self._is_events = content_type.startswith(_EVENTS)
        self._rest = b""
        self._id = self._kind = ""
        self._data: list[str] = []

    def feed(self, received: bytes) -> Iterator[tuple[str, str, str]]:
        """Yields the events that are complete now."""
        *lines, self._rest = (self._rest + received).split(b"\n")
        for each in lines:
            line = each.rstrip(b"\r").decode()
            if not self._is_events:
                if line.strip():
                    yield "", "", line
            elif line:
                self._take(line)
            elif self._data:
                told = self._id, self._kind, "\n".join(self._data)
                self._kind, self._data = "", []
                yield told

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._kind = value
        elif name == "id" and "\0" not in value:
            self._id = value


class Watch:
    """A stream of one operation: where it stands, and what opens it again."""

    def __init__(self, caller: Caller, call: Call) -> None:
        self._caller = caller
        self._parts = caller.parts(call, None)
        self._parts["headers"]["accept"] = f"{_EVENTS}, {_LINES};q=0.9"
        self._has_cursor = "cursor" in call.query
        self._type = TypeAdapter(call.answer)
        self._reader = EventReader("")
        self._opened = 0.0
        self._silent = 0
        self._failures = 0
        self._lost: float | None = None
        self.over = False

    def parts(self) -> dict[str, Any]:
        """Returns what opens the stream where it stands."""
        return self._parts

    def opened(self, response: httpx.Response) -> None:
        """Takes note of a stream that is open."""
        self._reader = EventReader(response.headers.get("content-type", ""))
        self._lost, self._opened = None, time.monotonic()

    def feed(self, received: bytes) -> Iterator[Any]:
        """Yields what a piece of the stream tells."""
        for event_id, kind, data in self._reader.feed(received):
            told = json.loads(data)
            if kind == _END:
                # Whatever else ended it, such as a token, opening it again tells.
                self.over = told.get("reason") == _SESSION_ENDED
                return
            self._stand_at(event_id, told)
            self._failures = self._silent = 0
            yield self._type.validate_python(told)
            if told.get("state") in _OVER:
                self.over = True
                return

    def ended(self) -> None:
        """Takes note that the platform closed the stream: for good when it never has a word to say."""
        soon = time.monotonic() - self._opened < _SOON_SECONDS
        self._silent = self._silent + 1 if soon else 0
        self.over = self.over or self._silent == _OFTEN

    def pause_after(self, failure: httpx.TransportError | ApiError | None) -> float:
        """Returns how long to wait before the stream is opened again. Raises the failure that stays."""
        now = time.monotonic()
        self._lost = now if self._lost is None else self._lost
        refusal = failure if isinstance(failure, ApiError) else None
        given_up = now - self._lost > _PATIENCE_SECONDS
        if refusal is not None and (given_up or not refusal.passes):
            raise refusal
        if given_up:
            request_id = self._parts["headers"]["x-request-id"]
            raise NetworkError(f"the stream was lost: {failure!r}", request_id=request_id) from failure
        self._failures += 1
        return self._caller.retries.pause(self._failures, refusal.retry_after if refusal else None)

    def _stand_at(self, event_id: str, told: dict[str, Any]) -> None:
        if event_id:
            self._parts["headers"]["last-event-id"] = event_id
            self._parts["params"].pop("cursor", None)
        elif self._has_cursor and told.get("cursor"):
            self._parts["params"]["cursor"] = told["cursor"]


def watch(transport: Transport, call: Call) -> Iterator[Any]:
    """Yields what a stream tells until it is over. Raises PracticeError."""
    stream = Watch(transport, call)
    while not stream.over:
        failure: httpx.TransportError | ApiError | None = None
        try:
            with transport.open(stream.parts(), _QUIET) as response:
                if response.is_success:
                    stream.opened(response)
                    for received in response.iter_bytes():
                        yield from stream.feed(received)
                        if stream.over:
                            return
                    stream.ended()
                else:
                    response.read()
                    failure = ApiError.of(response)
        except httpx.TransportError as error:
            failure = error
        if not stream.over:
            time.sleep(stream.pause_after(failure))


async def watch_async(transport: AsyncTransport, call: Call) -> AsyncIterator[Any]:
    """Yields what a stream tells until it is over. Raises PracticeError."""
    stream = Watch(transport, call)
    while not stream.over:
        failure: httpx.TransportError | ApiError | None = None
        try:
            async with transport.open(stream.parts(), _QUIET) as response:
                if response.is_success:
                    stream.opened(response)
                    async for received in response.aiter_bytes():
                        for told in stream.feed(received):
                            yield told
                        if stream.over:
                            return
                    stream.ended()
                else:
                    await response.aread()
                    failure = ApiError.of(response)
        except httpx.TransportError as error:
            failure = error
        if not stream.over:
            await asyncio.sleep(stream.pause_after(failure))
