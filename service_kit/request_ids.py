"""The id that follows a request through every process; each log line made for it has it as `request_id`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from contextvars import ContextVar

from service_kit.logging import bind

# The header of HTTP and the metadata key of gRPC.
REQUEST_ID_KEY = "x-request-id"
# Whoever sends a longer one finds its beginning.
_LONGEST = 128

_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """Returns the id of the request being served; empty outside of one."""
    return _current.get()


def enter_request(metadata: Mapping[str, str | bytes]) -> str:
    """Makes the caller's request id, or a new one, that of this task and its log lines; returns it."""
    request_id = str(metadata.get(REQUEST_ID_KEY) or uuid.uuid4())[:_LONGEST]
    _current.set(request_id)
    bind(request_id=request_id)
    return request_id


def with_request_id(metadata: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Returns the metadata of a call to another service, made for the request being served."""
    current = _current.get()
    return (*metadata, (REQUEST_ID_KEY, current)) if current else tuple(metadata)
