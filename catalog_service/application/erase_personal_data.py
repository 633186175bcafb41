"""Forgets a person."""

from __future__ import annotations

import structlog

from service_kit.personal_data import PersonalData, Report

log = structlog.get_logger(__name__)


class ErasePersonalData:
    """Deletes everything of a person for good, with the problems they wrote.

    All problems are for everybody, and the catalog knows nobody who practised
    one. It goes as if its author had deleted it: sessions and submissions of
    it are elsewhere, with its title, and stay.
    """

    def __init__(self, data: PersonalData) -> None:
        self._data = data

    async def __call__(self, user_id: int, request_id: str) -> Report:
        """Idempotent: the same request gets the same report."""
        report = await self._data.erase(user_id, request_id)
        log.info("personal_data_erased", erased=user_id, removed=dict(report.removed))
        return report
