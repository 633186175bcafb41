"""What is done from time to time, by Celery's beat.

Every machine that runs the recalculation worker runs a beat. All of these
tasks may be sent at any time, from any number of machines.
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.beat import Scheduler

from service_kit.broker import COMPLETIONS_QUEUE
from stats_service.adapters.celery.consumer import is_orphan
from stats_service.leaderboards.tasks import CLOSE_LEADERBOARDS_TASK
from stats_service.recalculation.tasks import TEND_RECALCULATIONS_TASK, UPKEEP_QUEUE
from stats_service.reconciliation.tasks import RECONCILE_TASK

# Name, task, queue, seconds.
_Row = tuple[str, str, str, float]


class WorkersScheduler(Scheduler):  # type: ignore[misc]
    """Keeps time in a process of a worker's, and ends with that worker, however it ended.

    Times are kept in memory: after a start, intervals count from then on.
    """

    def tick(self, *arguments: Any, **options: Any) -> float:
        """Sends what is due and returns the seconds to the next time. Raises SystemExit as an orphan."""
        if is_orphan():
            raise SystemExit
        seconds: float = super().tick(*arguments, **options)
        return seconds


def schedule(app: Celery, *, tend_seconds: float, closing_seconds: float) -> None:
    """Gives the app's beat its table."""
    rows: tuple[_Row, ...] = (
        ("recalculations", TEND_RECALCULATIONS_TASK, UPKEEP_QUEUE, tend_seconds),
        # Whether a run is due, or one is left, is a question to the database.
        ("reconciliation", RECONCILE_TASK, UPKEEP_QUEUE, tend_seconds),
        ("leaderboards", CLOSE_LEADERBOARDS_TASK, COMPLETIONS_QUEUE, closing_seconds),
    )
    app.conf.update(
        beat_schedule={name: _entry(task, queue, seconds) for name, task, queue, seconds in rows},
        beat_scheduler=f"{__name__}:{WorkersScheduler.__name__}",
        beat_max_loop_interval=min(5, tend_seconds, closing_seconds),
    )


def _entry(task: str, queue: str, seconds: float) -> dict[str, Any]:
    # A message expires when the next one is sent.
    return {"task": task, "schedule": seconds, "options": {"queue": queue, "expires": seconds}}
