"""The call being served: its caller, time zone and idempotency key.

The gRPC interceptor makes one `Call` for each RPC; use cases receive it as a
plain value.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service_kit.time_zones import is_same_zone


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

    def brings_zone(self, in_force: str) -> bool:
        """Tells whether the client sent another zone than the one in force, whatever their names."""
        return self.time_zone is not None and not is_same_zone(self.time_zone, in_force)


@dataclass(slots=True)
class _Heard:
    """What statements that were sent anyway said of the caller."""

    user_seq: int = 0
    time_zone: str | None = None


_current: ContextVar[Call] = ContextVar("call")
_heard: ContextVar[_Heard] = ContextVar("heard")


def current_call() -> Call:
    """Returns the call being served. Raises LookupError outside of one."""
    return _current.get()


def enter_call(call: Call) -> None:
    """Makes `call` the one being served in this task."""
    _current.set(call)
    _heard.set(_Heard())


def reach(user_seq: int, time_zone: str | None = None) -> None:
    """Notes that the caller's events are as far as `user_seq` at least, and which zone is in force then.

    None says nothing of the zone. Outside of a call nobody asks.
    """
    heard = _heard.get(None)
    if heard is None:
        return
    heard.user_seq = max(heard.user_seq, user_seq)
    if time_zone is not None:
        heard.time_zone = time_zone


def reached() -> int:
    """Returns how far the caller's events are, as far as this call has heard; 0 when it has heard nothing."""
    heard = _heard.get(None)
    return heard.user_seq if heard else 0


def zone_in_force() -> str | None:
    """Returns the caller's zone in force as this call has heard it last, None when it has heard nothing."""
    heard = _heard.get(None)
    return heard.time_zone if heard else None
