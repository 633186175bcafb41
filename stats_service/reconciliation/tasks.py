"""Reconciliation on the queue: its message, and the task that takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

from celery import Celery
from kombu.exceptions import OperationalError
from typing_extensions import override

from service_kit.errors import UnavailableError
from service_kit.logging import get_logger
from stats_service.recalculation.tasks import UPKEEP_QUEUE
from stats_service.reconciliation.ports import ReconciliationQueue
from stats_service.reconciliation.reconcile import Reconcile

# Takes no arguments: what there is to do is in the database.
RECONCILE_TASK = "stats.reconcile"

log = get_logger(__name__)


def send_reconcile(broker: Celery) -> None:
    """Tells the worker that there may be a run. Raises UnavailableError when the queue does not answer."""
    try:
        broker.send_task(RECONCILE_TASK, queue=UPKEEP_QUEUE)
    except (OperationalError, OSError) as error:
        raise UnavailableError("The task queue does not answer", part="redis") from error


class CeleryReconciliationQueue(ReconciliationQueue):
    """Sends the worker's queue word of a run."""

    def __init__(self, broker: Celery) -> None:
        self._broker = broker

    @override
    async def request(self) -> None:
        # kombu blocks; the event loop must not.
        await asyncio.to_thread(send_reconcile, self._broker)


def register_reconciliation(
    app: Celery, open_reconcile: Callable[[], AbstractContextManager[Reconcile]]
) -> None:
    """Adds the task to the app. The use case is opened when the task runs, in the worker's child."""

    @app.task(name=RECONCILE_TASK, shared=False)  # type: ignore[untyped-decorator]
    def reconcile() -> None:
        try:
            with open_reconcile() as use_case:
                left = use_case()
            if left:
                send_reconcile(app)
        except UnavailableError as error:
            # It is sent again in any case.
            log.warning("not_reconciled", reason=error.message)
