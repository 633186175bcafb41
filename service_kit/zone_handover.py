"""Hands a user's time zone over to the service that stores it.

A client sends the same zone with each call, so what was sent of a user is
remembered for a minute; that memory is `RecentCalendars`, which the service
that stores calendars uses too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from cachetools import LRUCache

from service_kit.call import Call
from service_kit.logging import get_logger
from service_kit.time_zones import canonical_name

log = get_logger(__name__)

_REMEMBERED_USERS = 50_000
# Another process may have sent another zone since.
_TRUSTED_SECONDS = 60.0

Send = Callable[[int, str | None, datetime | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Sent:
    zone: str | None = None
    zone_at: float = 0.0
    sign_up: bool = False


class RecentCalendars:
    """What this process sent of users of late. Bounded; of a user forgotten it is only sent again."""

    def __init__(self, *, most: int = _REMEMBERED_USERS) -> None:
        self._sent: LRUCache[int, _Sent] = LRUCache(most)

    def is_new(self, user_id: int, zone: str | None, signed_up_at: datetime | None, now: float) -> bool:
        """Tells whether there is something to send; `now` is in seconds of any one clock.

        A zone is new when it is another one, whatever its name, or was sent over a minute ago;
        a sign-up never changes and is new once.
        """
        sent = self._sent.get(user_id, _Sent())
        if signed_up_at is not None and not sent.sign_up:
            return True
        if zone is None:
            return False
        return canonical_name(zone) != sent.zone or abs(now - sent.zone_at) >= _TRUSTED_SECONDS

    def remember(self, user_id: int, zone: str | None, signed_up_at: datetime | None, now: float) -> None:
        """Takes down what was sent."""
        sent = self._sent.get(user_id, _Sent())
        if zone is not None:
            sent = replace(sent, zone=canonical_name(zone), zone_at=now)
        self._sent[user_id] = replace(sent, sign_up=sent.sign_up or signed_up_at is not None)

    def forget(self, user_id: int) -> None:
        """Makes whatever is said of a user new again."""
        self._sent.pop(user_id, None)


class ZoneHandover:
    """Hands over what calls say of their users. Never raises and never takes longer than its deadline.

    A call waits for it, so that a zone is in force when the call is answered;
    one that could not be handed over is logged, and sent again with the
    user's next call.
    """

    def __init__(
        self,
        send: Send,
        *,
        deadline_seconds: float = 0.5,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._deadline = deadline_seconds
        self._monotonic = monotonic
        self._sent = RecentCalendars()

    async def __call__(self, call: Call) -> None:
        """Hands over what a call says of its user."""
        await self.hand_over(call.user_id, call.time_zone, call.signed_up_at)

    async def hand_over(self, user_id: int, zone: str | None, signed_up_at: datetime | None) -> None:
        """Hands over a user's zone, and when they signed up, as far as they are known and new."""
        now = self._monotonic()
        if not user_id or not self._sent.is_new(user_id, zone, signed_up_at, now):
            return
        try:
            async with asyncio.timeout(self._deadline):
                await self._send(user_id, zone, signed_up_at)
        except Exception as error:
            log.warning("zone_not_handed_over", user_id=user_id, error=repr(error))
            return
        self._sent.remember(user_id, zone, signed_up_at, now)
