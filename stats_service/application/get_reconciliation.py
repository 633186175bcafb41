"""Tells what a reconciliation found and healed."""

from __future__ import annotations

from uuid import UUID

from stats_service.application.ports.reconciliation import Reconciliation, ReconciliationBook
from stats_service.application.start_reconciliation import found


class GetReconciliation:
    """Reads a run."""

    def __init__(self, book: ReconciliationBook) -> None:
        self._book = book

    async def __call__(self, run_id: UUID | None) -> Reconciliation:
        """Returns a run, the newest when none is named. Raises NotFoundError."""
        return await found(self._book, run_id)
