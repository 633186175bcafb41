"""Tells how far a recalculation is."""

from __future__ import annotations

from uuid import UUID

from stats_service.application.ports.recalculation import Recalculation, RecalculationBook
from stats_service.application.start_recalculation import found


class GetRecalculation:
    """Reads a job."""

    def __init__(self, book: RecalculationBook) -> None:
        self._book = book

    async def __call__(self, job_id: UUID | None) -> Recalculation:
        """Returns a job, the newest when none is named. Raises NotFoundError."""
        return await found(self._book, job_id)
