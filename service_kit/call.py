"""The call being served: its caller, time zone and idempotency key.

The gRPC interceptor makes one `Call` for each RPC; use cases receive it as a
plain value.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """A mutation that may be sent again: its key and what it asked for.

    `digest` is the SHA-256 of the decoded request without its `request_id`,
    so the order of JSON fields or white space make no other request of it.
    `body` is a raw body as it was read for that, which is not to be read again.
    """

    key: str
    method: str
    digest: bytes
    body: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One RPC: the authenticated caller and what their metadata said.

    `user_id` is 0 where the method needs no account. `time_zone` is the IANA
    name the client sent, if any, and `ignored_time_zone` what it sent instead
    of one. `request` is absent when the client gave no
    idempotency key, `signed_up_at` when the token does not say it. With an
    `ended` token nothing is done that was not done with it before: the call may
    be a repeat.
    """

    user_id: int = 0
    email: str = ""
    time_zone: str | None = None
    request: RequestIdentity | None = None
    signed_up_at: datetime | None = None
    ignored_time_zone: str = ""
    ended: bool = False


_current: ContextVar[Call] = ContextVar("call")
_reached: ContextVar[list[int]] = ContextVar("reached")


def current_call() -> Call:
    """Returns the call being served. Raises LookupError outside of one."""
    return _current.get()


def enter_call(call: Call) -> None:
    """Makes `call` the one being served in this task."""
    _current.set(call)
    _reached.set([0])


def reach(user_seq: int) -> None:
    """Notes that the caller's events are as far as `user_seq` at least. Outside of a call nobody asks."""
    reached = _reached.get([0])
    reached[0] = max(reached[0], user_seq)


def reached() -> int:
    """Returns how far the caller's events are, as far as this call has heard; 0 when it has heard nothing."""
    return _reached.get([0])[0]
