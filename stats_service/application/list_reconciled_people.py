"""Lists the people who differed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from stats_service.application.ports.reconciliation import ReconciledPerson, ReconciliationBook


class ListReconciledPeople:
    """Reads the people of a run."""

    def __init__(self, book: ReconciliationBook) -> None:
        self._book = book

    async def __call__(self, run_id: UUID, *, after_user_id: int, limit: int) -> Sequence[ReconciledPerson]:
        """Returns at most `limit` people after a number, by number; nobody of a run that there is not."""
        return await self._book.people(run_id, after_user_id, limit)
