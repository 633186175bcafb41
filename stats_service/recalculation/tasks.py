"""Recalculation on the queue: its messages, and the tasks that take them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from celery import Celery, Task
from kombu.exceptions import OperationalError
from typing_extensions import override

from service_kit.errors import UnavailableError
from service_kit.logging import get_logger
from stats_service.recalculation.jobs import TendRecalculations
from stats_service.recalculation.ports import RecalculationQueue
from stats_service.recalculation.shards import RecalculateShard

# Of its own: a rebuild of everybody must not stand before a completion.
RECALCULATION_QUEUE = "recalculation"
# What is done from time to time; beside the shards, so that it does not wait for all of them.
UPKEEP_QUEUE = "upkeep"
# Takes two arguments: the job's id and the shard's number.
RECALCULATE_SHARD_TASK = "stats.recalculate_shard"
# Takes none.
TEND_RECALCULATIONS_TASK = "stats.tend_recalculations"

_RETRIES = {"max_retries": 3, "default_retry_delay": 1}

log = get_logger(__name__)


def send_shards(broker: Celery, shards: Sequence[tuple[UUID, int]]) -> None:
    """Queues shards. Raises UnavailableError when the queue does not answer."""
    try:
        with broker.producer_or_acquire() as producer:
            for job_id, number in shards:
                broker.send_task(
                    RECALCULATE_SHARD_TASK,
                    args=[str(job_id), number],
                    queue=RECALCULATION_QUEUE,
                    producer=producer,
                )
    except (OperationalError, OSError) as error:
        raise UnavailableError("The task queue does not answer", part="redis") from error


class CeleryRecalculationQueue(RecalculationQueue):
    """Sends shards to the worker's queue."""

    def __init__(self, broker: Celery) -> None:
        self._broker = broker

    @override
    async def send(self, shards: Sequence[tuple[UUID, int]]) -> None:
        # kombu blocks; the event loop must not.
        await asyncio.to_thread(send_shards, self._broker, shards)


def register_recalculation(
    app: Celery,
    *,
    recalculate_shard: Callable[[], RecalculateShard],
    tend_recalculations: Callable[[], TendRecalculations],
) -> None:
    """Adds the tasks to the app. The use cases are asked for when a task runs, in the worker's child."""

    @app.task(bind=True, name=RECALCULATE_SHARD_TASK, **_RETRIES)  # type: ignore[untyped-decorator]
    def recalculate(task: Task, job_id: str, number: int) -> None:
        try:
            if recalculate_shard()(UUID(job_id), number):
                send_shards(app, [(UUID(job_id), number)])
        except UnavailableError:
            _later(task, job_id, number)

    @app.task(name=TEND_RECALCULATIONS_TASK)  # type: ignore[untyped-decorator]
    def tend() -> None:
        try:
            tend_recalculations()()
        except UnavailableError:
            # It is sent again in any case.
            log.warning("recalculations_not_tended")


def _later(task: Any, job_id: str, number: int) -> None:
    if task.request.retries >= task.max_retries:
        # Whoever looks for abandoned shards finds it.
        log.warning("shard_given_up", job=job_id, shard=number)
        return
    raise task.retry(countdown=2**task.request.retries)
