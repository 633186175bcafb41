"""Goes on with a recalculation."""

from __future__ import annotations

from uuid import UUID

from stats_service.application.ports.recalculation import Recalculation, RecalculationBook
from stats_service.application.start_recalculation import SendPending, found, not_found


class ResumeRecalculation:
    """Sends what is left of a job, cancelled or failed or lost, without waiting for the workers to notice."""

    def __init__(self, book: RecalculationBook, send_pending: SendPending) -> None:
        self._book = book
        self._send_pending = send_pending

    async def __call__(self, job_id: UUID) -> Recalculation:
        """Returns the job; shards that are done are not run again. Idempotent. Raises NotFoundError."""
        if not await self._book.revive(job_id):
            raise not_found(job_id)
        await self._send_pending(job_id)
        return await found(self._book, job_id)
