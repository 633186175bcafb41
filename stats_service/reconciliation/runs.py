"""Starts reconciliations and shows what they found."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from service_kit.errors import InvalidArgumentError, NotFoundError, UnavailableError
from service_kit.logging import get_logger
from stats_service.reconciliation.ports import (
    ReconciledLearner,
    Reconciliation,
    ReconciliationQueue,
    Request,
    RunStore,
    Whom,
)

log = get_logger(__name__)


class StartReconciliation:
    """Makes a run and tells the worker."""

    def __init__(self, runs: RunStore, queue: ReconciliationQueue) -> None:
        self._runs = runs
        self._queue = queue

    async def __call__(self, request: Request) -> Reconciliation:
        """Returns the run, which was there already if it is unfinished and asks for the same.

        Raises InvalidArgumentError when learners are named and not meant, or meant and not named.
        """
        if (request.whom is Whom.USERS) != bool(request.user_ids):
            raise InvalidArgumentError(
                "Learners are named for the scope USERS, and for no other",
                reason="FIELD_INVALID",
                field="user_ids",
                rule="scope",
            )
        run_id = await self._runs.open(request)
        log.info("reconciliation_started", run=str(run_id), whom=request.whom.value, deep=request.deep)
        try:
            await self._queue.request()
        except UnavailableError:
            # The worker looks for runs by itself, too.
            log.warning("reconciliation_not_sent", run=str(run_id))
        return await find_run(self._runs, run_id)


async def find_run(runs: RunStore, run_id: UUID | None) -> Reconciliation:
    """Returns a run, the newest when none is named. Raises NotFoundError."""
    run = await runs.find(run_id)
    if run is None:
        raise NotFoundError(
            "There is no such reconciliation", reason="RECONCILIATION_NOT_FOUND", run=str(run_id or "")
        )
    return run


class GetReconciliation:
    """Reads a run."""

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs

    async def __call__(self, run_id: UUID | None) -> Reconciliation:
        """Returns a run, the newest when none is named. Raises NotFoundError."""
        return await find_run(self._runs, run_id)


class ListReconciledLearners:
    """Reads the learners of a run."""

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs

    async def __call__(self, run_id: UUID, *, after_user_id: int, limit: int) -> Sequence[ReconciledLearner]:
        """Returns at most `limit` learners after a number, by number; nobody of a run that there is not."""
        return await self._runs.learners(run_id, after_user_id, limit)
