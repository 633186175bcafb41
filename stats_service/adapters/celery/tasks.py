"""Asks the worker for a backfill of badges."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from celery import Celery, Task
from kombu.exceptions import OperationalError
from typing_extensions import override

from service_kit.broker import CALENDAR_CHANGES_TASK, COMPLETIONS_QUEUE, COMPLETIONS_TASK, REQUEST_IDS
from service_kit.errors import UnavailableError
from service_kit.logging import get_logger
from stats_service.adapters.celery.events import decode, decode_calendar_change, encode
from stats_service.application.backfill import BackfillBadges
from stats_service.application.ingest import Applied, ApplyCalendarChanges, ApplyCompletions, Delivery, Fact
from stats_service.application.ports.badges import BackfillQueue

# Takes one argument: the number of the learner to go on after, 0 for the first.
BACKFILL_TASK = "stats.backfill_badges"

log = get_logger(__name__)


def send_backfill(broker: Celery, after_user_id: int) -> None:
    """Queues a chunk. Raises UnavailableError when the queue does not answer.

    It shares the completions' queue: a chunk takes seconds at most, and one
    worker less has to be run and watched.
    """
    try:
        broker.send_task(BACKFILL_TASK, args=[after_user_id], queue=COMPLETIONS_QUEUE)
    except (OperationalError, OSError) as error:
        raise UnavailableError("The task queue does not answer", part="redis") from error


class CeleryBackfillQueue(BackfillQueue):
    """Sends backfills to the worker's queue."""

    def __init__(self, broker: Celery) -> None:
        self._broker = broker

    @override
    async def request(self) -> None:
        # kombu blocks; the event loop must not.
        await asyncio.to_thread(send_backfill, self._broker, 0)
        log.info("backfill_requested")


# With the pauses below, a database may be away for about ten seconds; after
# that the session service's outbox, which never forgets, delivers again.
MAX_RETRIES = 3

# The delay is that of a task whose process died. It must stay far below the
# queue's visibility timeout, or the waiting message is delivered a second time.
_RETRIES = {"max_retries": MAX_RETRIES, "default_retry_delay": 1}

F = TypeVar("F", bound=Fact)


def register_tasks(
    app: Celery,
    *,
    apply_completions: Callable[[], ApplyCompletions],
    apply_calendar_changes: Callable[[], ApplyCalendarChanges],
    backfill_badges: Callable[[], BackfillBadges],
) -> None:
    """Adds the tasks to the app. The use cases are asked for when a task runs, in the worker's child."""

    @app.task(bind=True, name=COMPLETIONS_TASK, **_RETRIES)  # type: ignore[untyped-decorator]
    def completions(task: Task, payloads: Sequence[object]) -> None:
        applied = apply_completions()(_deliveries(task, decode, payloads))
        _conclude(task, "completions_applied", applied)

    @app.task(bind=True, name=CALENDAR_CHANGES_TASK, **_RETRIES)  # type: ignore[untyped-decorator]
    def calendar_changes(task: Task, payloads: Sequence[object]) -> None:
        applied = apply_calendar_changes()(_deliveries(task, decode_calendar_change, payloads))
        _conclude(task, "calendar_changes_applied", applied)

    @app.task(bind=True, name=BACKFILL_TASK, **_RETRIES)  # type: ignore[untyped-decorator]
    def backfill(task: Task, after_user_id: int = 0) -> None:
        try:
            position = backfill_badges()(after_user_id)
            if position is not None:
                send_backfill(app, position)
        except UnavailableError:
            _later(task, [after_user_id])
        else:
            log.info("badges_backfilled", after=after_user_id, position=position)


def _deliveries(
    task: Any, decode: Callable[[object, Mapping[str, str]], Delivery[F]], payloads: Sequence[object]
) -> list[Delivery[F]]:
    """Returns the events of a message, each with the request that made it."""
    made_by = (task.request.headers or {}).get(REQUEST_IDS) or {}
    return [decode(payload, made_by) for payload in payloads]


def _conclude(task: Any, event: str, applied: Applied[Any]) -> None:
    """Logs what became of a batch, and has what was postponed delivered again."""
    log.info(
        event,
        new=applied.new,
        repeated=applied.repeated,
        rejected=applied.rejected,
        failed=applied.failed,
        postponed=len(applied.postponed),
    )
    if applied.postponed:
        made_by = {str(each.content.event_id): each.request_id for each in applied.postponed}
        _later(task, [list(map(encode, applied.postponed))], {REQUEST_IDS: made_by})


def _later(task: Any, arguments: Sequence[object], headers: dict[str, Any] | None = None) -> None:
    """Retries a task with these arguments after a pause with jitter, as long as it may."""
    if task.request.retries >= task.max_retries:
        log.warning("task_given_up", task=task.name)
        return
    pause = 2**task.request.retries * random.uniform(0.5, 1.5)  # noqa: S311 (not a secret)
    raise task.retry(args=arguments, countdown=pause, headers=headers)
