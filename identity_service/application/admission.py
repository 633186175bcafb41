"""Bounds the calls that have a password hashed: how many at once, and how many of one address."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from identity_service.application.ports.unit_of_work import Clock, UnitOfWorkFactory
from identity_service.domain.attempts import AttemptLimit
from service_kit.errors import TooManyAtOnceError

# Whoever waited so long is better told to come back: their client gives up soon.
_PATIENCE_SECONDS = 5.0


class AdmissionGate:
    """Lets a few costly calls in at once, has a bounded number wait, and refuses the others at once.

    `what` is the name of these calls in the plural. A call that is refused
    has cost nothing. Of one subject (an address, an account) so many wait at
    most.
    """

    def __init__(self, what: str, *, at_once: int, waiting: int, waiting_per_subject: int) -> None:
        self._what = what
        self._at_once = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._most_per_subject = at_once + waiting_per_subject
        self._inside: Counter[bytes] = Counter()

    @asynccontextmanager
    async def enter(self, subject: bytes) -> AsyncIterator[None]:
        """Waits for a turn and holds it for the duration of a block.

        Raises TooManyAtOnceError at once when too many wait, and after a while when no turn came.
        """
        if self._inside[subject] >= self._most_per_subject:
            raise TooManyAtOnceError(self._what, self._most_per_subject)
        if self._inside.total() >= self._most:
            raise TooManyAtOnceError(self._what, self._most)
        self._inside[subject] += 1
        try:
            await self._turn()
            try:
                yield
            finally:
                self._at_once.release()
        finally:
            self._leave(subject)

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._at_once.acquire()
        except TimeoutError:
            raise TooManyAtOnceError(self._what, self._most) from None

    def _leave(self, subject: bytes) -> None:
        self._inside[subject] -= 1
        if not self._inside[subject]:
            del self._inside[subject]


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
