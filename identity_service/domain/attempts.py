"""How often somebody may try to log in."""

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
            raise TooManyAttemptsError(self.limit, max(1, math.ceil(wait.total_seconds())))
        return recent


def account_subject(email: str) -> bytes:
    """Returns what failures on an account are counted under, whether or not it exists.

    A digest: people type passwords into the wrong field, and those are not to
    be kept.
    """
    return _subject("account", email)


def address_subject(address: str) -> bytes:
    """Returns what attempts from a network address are counted under.

    An IPv6 customer has a whole /64 to choose addresses from, so that counts
    as one.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return _subject("address", address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return _subject("address", str(ipaddress.ip_network((int(parsed), _IPV6_SITE), strict=False)))
        parsed = parsed.ipv4_mapped
    return _subject("address", str(parsed))


def _subject(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{value}".encode()).digest()
