"""Deletes what has no effect any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)


class ForgetExpired:
    """Deletes old idempotency keys, and reports of what ended long ago. Any number of copies may run it."""

    def __init__(
        self, forget_requests: Callable[[], Awaitable[int]], forget_reports: Callable[[], Awaitable[int]]
    ) -> None:
        self._forget_requests = forget_requests
        self._forget_reports = forget_reports

    async def __call__(self) -> None:
        """Idempotent."""
        log.info(
            "forgot_expired",
            idempotency_keys=await self._forget_requests(),
            reports=await self._forget_reports(),
        )
