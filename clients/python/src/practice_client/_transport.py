"""How a call of a generated operation is sent, with and without an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from practice_client import live
from practice_client._model import to_json
from practice_client._retries import Attempts, Retries
from practice_client.errors import ApiError, PracticeError

_USER_SEQ, _MIN_USER_SEQ = "x-practice-user-seq", "min_user_seq"
_KEY, _REQUEST_ID = "idempotency-key", "request_id"


@dataclass(frozen=True, slots=True)
class Call:
    """What an operation is sent, and the type of its answer; `key` says where the idempotency key goes."""

    method: str
    path: str
    answer: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    key: str = ""


def segment(value: object) -> str:
    """Returns an id as it stands in a path; of a resource's name, such as `sessions/12`, the last part."""
    return quote(str(value).rpartition("/")[2], safe="")


@cache
def _adapter(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


class Caller:
    """What both transports have in common: it writes requests and reads answers.

    It remembers the largest `x-practice-user-seq`: statistics that are read include what was written before.
    """

    def __init__(self, *, time_zone: str | None, deadline: float, retries: Retries) -> None:
        self.retries = retries
        self._deadline = deadline
        self._headers = {"x-time-zone": time_zone} if time_zone else {}
        self._lock = threading.Lock()
        self.user_seq = 0

    def attempts(self, deadline: float | None) -> Attempts:
        """Returns the tries of a new call."""
        return Attempts(self.retries, self._deadline if deadline is None else deadline)

    def parts(self, call: Call, key: str | None) -> dict[str, Any]:
        """Returns what every try of a call sends, the same each time."""
        headers = {**self._headers, "x-request-id": str(uuid.uuid4())}
        query, body = dict(call.query), call.body
        key = key or str(uuid.uuid4())
        if call.key == "header":
            headers[_KEY] = key
        elif call.key == "query":
            query[_REQUEST_ID] = key
        elif call.key == "body":
            body = {**(body or {}), _REQUEST_ID: key}
        if _MIN_USER_SEQ in query and query[_MIN_USER_SEQ] is None and self.user_seq:
            query[_MIN_USER_SEQ] = self.user_seq
        return {
            "method": call.method,
            "url": call.path,
            "params": to_json(query),
            "headers": headers,
            **({} if body is None else {"json": to_json(body)}),
        }

    def read(self, call: Call, response: httpx.Response) -> Any:
        """Returns what a call was answered. Raises PracticeError for what is not as described."""
        if call.answer is None:
            return None
        if call.answer is bytes:
            return response.content
        try:
            return _adapter(call.answer).validate_json(response.content)
        except ValidationError as error:
            request_id = response.headers.get("x-request-id", "")
            raise PracticeError(f"the answer is not as described: {error}", request_id=request_id) from error

    def remember(self, response: httpx.Response) -> None:
        """Remembers how many events of the learner there are."""
        told = response.headers.get(_USER_SEQ, "")
        if told.isdigit():
            with self._lock:
                self.user_seq = max(self.user_seq, int(told))


class Transport(Caller):
    """Sends calls and waits for each."""

    def __init__(self, http: httpx.Client, **settings: Any) -> None:
        super().__init__(**settings)
        self.http = http

    def call(self, call: Call, key: str | None = None, deadline: float | None = None) -> Any:
        """Returns what a call is answered, sent again where that helps. Raises PracticeError."""
        attempts, parts = self.attempts(deadline), self.parts(call, key)
        while True:
            request = self.http.build_request(**parts, extensions={"timeout": attempts.timeout()})
            failure: httpx.TransportError | ApiError
            try:
                response = self.http.send(request)
            except httpx.TransportError as error:
                failure = error
            else:
                if response.is_success:
                    self.remember(response)
                    return self.read(call, response)
                failure = ApiError.of(response)
            time.sleep(attempts.pause_after(failure, parts["headers"]["x-request-id"]))

    def watch(self, call: Call) -> Iterator[Any]:
        """Yields what a stream tells, over reconnects."""
        return live.watch(self, call)

    def open(
        self, parts: Mapping[str, Any], timeout: httpx.Timeout
    ) -> AbstractContextManager[httpx.Response]:
        """Opens a stream."""
        return self.http.stream(**parts, timeout=timeout)


class AsyncTransport(Caller):
    """Sends calls from an event loop."""

    def __init__(self, http: httpx.AsyncClient, **settings: Any) -> None:
        super().__init__(**settings)
        self.http = http

    async def call(self, call: Call, key: str | None = None, deadline: float | None = None) -> Any:
        """Returns what a call is answered, sent again where that helps. Raises PracticeError."""
        attempts, parts = self.attempts(deadline), self.parts(call, key)
        while True:
            request = self.http.build_request(**parts, extensions={"timeout": attempts.timeout()})
            failure: httpx.TransportError | ApiError
            try:
                response = await self.http.send(request)
            except httpx.TransportError as error:
                failure = error
            else:
                if response.is_success:
                    self.remember(response)
                    return self.read(call, response)
                failure = ApiError.of(response)
            await asyncio.sleep(attempts.pause_after(failure, parts["headers"]["x-request-id"]))

    def watch(self, call: Call) -> AsyncIterator[Any]:
        """Yields what a stream tells, over reconnects."""
        return live.watch_async(self, call)

    def open(
        self, parts: Mapping[str, Any], timeout: httpx.Timeout
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Opens a stream."""
        return self.http.stream(**parts, timeout=timeout)
