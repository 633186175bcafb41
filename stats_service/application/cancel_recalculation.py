"""Ends a recalculation before it is done."""

from __future__ import annotations

from uuid import UUID

from stats_service.application.ports.recalculation import Recalculation, RecalculationBook
from stats_service.application.start_recalculation import found, not_found


class CancelRecalculation:
    """Lets no further shard of a job begin."""

    def __init__(self, book: RecalculationBook) -> None:
        self._book = book

    async def __call__(self, job_id: UUID) -> Recalculation:
        """Returns the job; what was corrected stays, and one that is done stays done. Idempotent.

        Raises NotFoundError.
        """
        if not await self._book.cancel(job_id):
            raise not_found(job_id)
        return await found(self._book, job_id)
