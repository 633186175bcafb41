"""Tells which access tokens were ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from identity_service.application.ports import Clock, RevocationPlace, UnitOfWorkFactory
from service_kit.revocations import Revocation


class ListRevocations:
    """Lists accounts whose tokens were ended, as far back as tokens live; an erased one's for good."""

    def __init__(self, units: UnitOfWorkFactory, clock: Clock, lifetime: timedelta) -> None:
        self._units = units
        self._clock = clock
        self._lifetime = lifetime

    async def __call__(
        self, since: datetime | None, *, after: RevocationPlace | None = None, limit: int | None = None
    ) -> Sequence[Revocation]:
        """Returns them, oldest first, from a time and behind a place on; all without a limit."""
        horizon = self._clock() - self._lifetime
        async with self._units() as unit:
            return await unit.accounts.revocations(max(since or horizon, horizon), after, limit)
