"""Starts to compare facts with what happened."""

from __future__ import annotations

from uuid import UUID

import structlog

from service_kit.errors import InvalidArgumentError, NotFoundError, UnavailableError
from stats_service.application.ports.reconciliation import (
    Reconciliation,
    ReconciliationBook,
    ReconciliationQueue,
    Request,
    Whom,
)

log = structlog.get_logger(__name__)


class StartReconciliation:
    """Makes a run and tells the worker."""

    def __init__(self, book: ReconciliationBook, queue: ReconciliationQueue) -> None:
        self._book = book
        self._queue = queue

    async def __call__(self, request: Request) -> Reconciliation:
        """Returns the run, which was there already if it is unfinished and asks for the same.

        Raises InvalidArgumentError when people are named and not meant, or meant and not named.
        """
        if (request.whom is Whom.USERS) != bool(request.user_ids):
            raise InvalidArgumentError(
                "People are named for the scope USERS, and for no other",
                reason="FIELD_INVALID",
                field="user_ids",
                rule="scope",
            )
        run_id = await self._book.open(request)
        log.info("reconciliation_started", run=str(run_id), whom=request.whom.value, deep=request.deep)
        try:
            await self._queue.request()
        except UnavailableError:
            # The worker looks for runs by itself, too.
            log.warning("reconciliation_not_sent", run=str(run_id))
        return await found(self._book, run_id)


async def found(book: ReconciliationBook, run_id: UUID | None) -> Reconciliation:
    """Returns a run, the newest when none is named. Raises NotFoundError."""
    run = await book.find(run_id)
    if run is None:
        raise NotFoundError(
            "There is no such reconciliation", reason="RECONCILIATION_NOT_FOUND", run=str(run_id or "")
        )
    return run
