"""Limits on attempts to log in or to sign up."""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from identity_service.domain.errors import TooManyAttemptsError

_IPV6_SITE = 64


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """At most `limit` attempts within any stretch of time as long as `period`."""

    limit: int
    period: timedelta

    def admit(self, times: Iterable[datetime], now: datetime) -> list[datetime]:
        """Returns the attempts that still count, oldest first.

        Raises TooManyAttemptsError when one more would be over the limit.
        """
        recent = sorted(time for time in times if time > now - self.period)
        if len(recent) >= self.limit:
            wait = recent[-self.limit] + self.period - now
            raise TooManyAttemptsError(self.limit, self.period, max(1, math.ceil(wait.total_seconds())))
        return recent


@dataclass(frozen=True, slots=True)
class Counter:
    """What failures are counted under, and how many there may be."""

    subject: bytes
    limit: AttemptLimit


@dataclass(frozen=True, slots=True)
class FailureLimits:
    """How many wrong passwords are judged.

    `together` counts those for an account from one address, so nobody locks
    anybody out from elsewhere; `account` counts those from all addresses, and
    is what somebody with many addresses runs into. Whoever holds a valid
    session is counted apart.
    """

    together: AttemptLimit
    account: AttemptLimit

    def of_log_in(self, email: str, address: str) -> tuple[Counter, ...]:
        """Returns what a log-in counts towards, whether or not the account exists."""
        return (
            Counter(account_subject(email), self.account),
            Counter(_subject("account and address", f"{email}\0{_network(address)}"), self.together),
        )

    def of_session(self, user_id: int) -> tuple[Counter, ...]:
        """Returns what a password asked for within a session counts towards."""
        return (Counter(session_subject(user_id), self.together),)


def account_subject(email: str) -> bytes:
    """Returns what failures on an account are counted under, whether or not it exists.

    A digest: users type passwords into the wrong field, and those are not to
    be kept.
    """
    return _subject("account", email)


def session_subject(user_id: int) -> bytes:
    """Returns what failures within an account's sessions are counted under."""
    return _subject("session", str(user_id))


def address_subject(address: str) -> bytes:
    """Returns what log-ins from a network address are counted under."""
    return _subject("address", _network(address))


def sign_up_subject(address: str) -> bytes:
    """Returns what sign-ups from a network address are counted under."""
    return _subject("sign-up", _network(address))


def _network(address: str) -> str:
    """Returns what counts as one address: an IPv6 customer has a whole /64 to choose from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(parsed), _IPV6_SITE), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)


def _subject(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{value}".encode()).digest()
