"""Hands a user's time zone over to the service that stores it.

A client sends the same zone with each call. That this process has sent it before
says nothing: another may have been told another zone since. So it is compared
with the zone in force, where a statement of the call has read that along, and
sent again where none has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from cachetools import LRUCache

from service_kit.call import Call, zone_in_force
from service_kit.logging import get_logger
from service_kit.time_zones import is_same_zone

log = get_logger(__name__)

_REMEMBERED_USERS = 50_000

Send = Callable[[int, str | None, datetime | None], Awaitable[None]]


class KnownSignUps:
    """The users whose sign-up this process has told. Bounded; of one forgotten it is only told again."""

    def __init__(self, *, most: int = _REMEMBERED_USERS) -> None:
        self._users: LRUCache[int, None] = LRUCache(most)

    def is_new(self, user_id: int, signed_up_at: datetime | None) -> bool:
        """Tells whether a sign-up is news: it never changes, so it is once."""
        return signed_up_at is not None and user_id not in self._users

    def remember(self, user_id: int, signed_up_at: datetime | None) -> None:
        """Takes down whose sign-up was told."""
        if signed_up_at is not None:
            self._users[user_id] = None


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
    ) -> None:
        self._send = send
        self._deadline = deadline_seconds
        self._known = KnownSignUps()

    async def __call__(self, _method: str, call: Call) -> None:
        """Hands over what a call says of its user."""
        await self.hand_over(call.user_id, call.time_zone, call.signed_up_at)

    async def hand_over(self, user_id: int, zone: str | None, signed_up_at: datetime | None) -> None:
        """Hands over a user's zone, and when they signed up, as far as they are known and new."""
        if not user_id or not (_is_news(zone) or self._known.is_new(user_id, signed_up_at)):
            return
        try:
            async with asyncio.timeout(self._deadline):
                await self._send(user_id, zone, signed_up_at)
        except Exception as error:
            log.warning("zone_not_handed_over", user_id=user_id, error=repr(error))
            return
        self._known.remember(user_id, signed_up_at)


def _is_news(zone: str | None) -> bool:
    """Tells whether a zone is another than the one in force, or may be."""
    in_force = zone_in_force()
    return zone is not None and (in_force is None or not is_same_zone(zone, in_force))
