"""Asks the worker for a backfill of badges."""

from __future__ import annotations

import asyncio

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from service_kit.broker import COMPLETIONS_QUEUE
from service_kit.errors import UnavailableError

# Takes one argument: the number of the person to go on after, 0 for the first.
BACKFILL_TASK = "stats.backfill_badges"

log = structlog.get_logger(__name__)


def send_backfill(broker: Celery, after_user_id: int) -> None:
    """Queues a chunk. Raises UnavailableError when the queue does not answer.

    It shares the completions' queue: a chunk takes seconds at most, and one
    worker less has to be run and watched.
    """
    try:
        broker.send_task(BACKFILL_TASK, args=[after_user_id], queue=COMPLETIONS_QUEUE)
    except (OperationalError, OSError) as error:
        raise UnavailableError("The task queue does not answer", part="redis") from error


class CeleryBackfillQueue:
    """Implements BackfillQueue."""

    def __init__(self, broker: Celery) -> None:
        self._broker = broker

    async def request(self) -> None:
        """Implements BackfillQueue.request."""
        # kombu blocks; the event loop must not.
        await asyncio.to_thread(send_backfill, self._broker, 0)
        log.info("backfill_requested")
