"""Deletes the reports of recalculations and reconciliations that nobody looks up any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from service_kit.logging import get_logger

log = get_logger(__name__)


class ForgetReports:
    """Deletes reports of jobs and runs that ended long ago. Any number of copies may run it."""

    def __init__(self, forget_reports: Callable[[], Awaitable[int]]) -> None:
        self._forget_reports = forget_reports

    async def __call__(self) -> None:
        """Deletes what is old now. Idempotent."""
        log.info("reports_deleted", reports=await self._forget_reports())
