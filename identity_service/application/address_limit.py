"""Counts what network addresses try."""

from __future__ import annotations

from identity_service.application.ports import Clock, UnitOfWorkFactory
from identity_service.domain.attempts import AttemptLimit


class AddressLimit:
    """So many attempts of one kind an address and period. On record, as failures are."""

    def __init__(self, units: UnitOfWorkFactory, limit: AttemptLimit, clock: Clock) -> None:
        self._units = units
        self._limit = limit
        self._clock = clock

    async def count(self, subject: bytes) -> None:
        """Counts an attempt. Raises TooManyAttemptsError when it is one too many."""
        async with self._units() as unit:
            times = await unit.attempts.lock(subject, self._clock())
            # After the lock: attempts are in the order in which they got it.
            now = self._clock()
            attempts = self._limit.admit(times, now)
            await unit.attempts.write(subject, [*attempts, now], now + self._limit.period)
            await unit.commit()
