"""Lists what a shadow recalculation found about people."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from stats_service.application.ports.recalculation import RecalculationBook, UserDifference
from stats_service.application.start_recalculation import found


class ListRecalculationDifferences:
    """Reads a part of them."""

    def __init__(self, book: RecalculationBook) -> None:
        self._book = book

    async def __call__(self, job_id: UUID, *, after_user_id: int, limit: int) -> Sequence[UserDifference]:
        """Returns at most `limit` people after a number, by number. Raises NotFoundError."""
        await found(self._book, job_id)
        return await self._book.differences(job_id, after_user_id, limit)
