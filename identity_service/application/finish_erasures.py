"""Asks again those who have not forgotten a person yet."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from identity_service.application.forgetting import Forgetting
from identity_service.application.ports import Clock, UnitOfWorkFactory

# Below what a service takes at most for a call; what it has done by then stays done.
_AT_MOST = timedelta(seconds=12)


class FinishErasures:
    """Carries on erasures that a crash or an outage has broken off.

    Each service is asked less and less often, at least every five minutes.
    Any number of copies may run it.
    """

    def __init__(self, units: UnitOfWorkFactory, forgetting: Forgetting, clock: Clock) -> None:
        self._units = units
        self._forgetting = forgetting
        self._clock = clock

    async def __call__(self) -> None:
        """Idempotent."""
        async with self._units() as unit:
            due = await unit.erasures.claim_due(self._clock())
            await unit.commit()
        await asyncio.gather(*(self._forgetting.ask(each, _AT_MOST) for each in due))
