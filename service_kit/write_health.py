"""Reports by a service's health whether its database takes writes."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.writable import UnwritableError, check_writable
from service_kit.grpc.server import RunningServer
from service_kit.logging import get_logger

EVERY_SECONDS = 5.0

log = get_logger(__name__)


class WriteHealth:
    """Tries a write now and then. One that fails may have had bad luck; two in a row have not."""

    def __init__(self, engine: AsyncEngine, server: RunningServer) -> None:
        self._engine = engine
        self._server = server
        self._failures = 0

    async def __call__(self) -> None:
        """Tries once, and tells what changed by it."""
        try:
            await check_writable(self._engine)
        except UnwritableError as error:
            self._failures += 1
            if self._failures == 2:
                log.error("database_takes_no_writes", reason=str(error))
                await self._server.set_writes(False)
            return
        if self._failures >= 2:
            log.info("database_takes_writes")
            await self._server.set_writes(True)
        self._failures = 0
