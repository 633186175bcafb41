"""Deletes expired rows."""

from __future__ import annotations

from identity_service.application.ports.unit_of_work import Clock, UnitOfWorkFactory
from service_kit.logging import get_logger

log = get_logger(__name__)


class DeleteExpired:
    """Deletes expired refresh tokens and attempts that no longer count.

    Only saves space: each of them is ignored from the moment it expires. Any
    number of copies may run it.
    """

    def __init__(self, units: UnitOfWorkFactory, clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def __call__(self) -> None:
        """Idempotent."""
        now = self._clock()
        async with self._units() as unit:
            refresh_tokens = await unit.refresh_tokens.delete_expired(now)
            attempts = await unit.attempts.delete_expired(now)
            await unit.commit()
        log.info("expired_deleted", refresh_tokens=refresh_tokens, attempts=attempts)
