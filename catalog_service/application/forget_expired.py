"""Deletes what has no effect any more."""

from __future__ import annotations

import structlog

from catalog_service.application.ports import UnitOfWorkFactory

log = structlog.get_logger(__name__)


class ForgetExpired:
    """Deletes old idempotency keys. Any number of copies may run it."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self) -> None:
        """Idempotent."""
        async with self._units() as unit:
            keys = await unit.idempotency.forget_old()
            await unit.commit()
        log.info("forgot_expired", idempotency_keys=keys)
