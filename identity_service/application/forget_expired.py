"""Deletes what has no effect any more."""

from __future__ import annotations

import structlog

from identity_service.application.ports import Clock, UnitOfWorkFactory

log = structlog.get_logger(__name__)


class ForgetExpired:
    """Deletes expired refresh tokens, attempts that no longer count and old idempotency keys.

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
            refresh_tokens = await unit.refresh_tokens.forget_expired(now)
            attempts = await unit.attempts.forget_expired(now)
            keys = await unit.idempotency.forget_old()
            await unit.commit()
        log.info("forgot_expired", refresh_tokens=refresh_tokens, attempts=attempts, idempotency_keys=keys)
