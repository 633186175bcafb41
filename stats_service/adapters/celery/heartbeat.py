"""A file whose age tells whether the worker consumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog
from celery import Celery, bootsteps
from celery.worker import state

from service_kit.broker import COMPLETIONS_QUEUE

INTERVAL_SECONDS = 3.0

log = structlog.get_logger(__name__)


def beat_into(app: Celery, path: Path) -> None:
    """Makes the app's workers touch `path` every INTERVAL_SECONDS while they consume.

    Runs in the event loop of the main process, so a loop that hangs lets the
    file age; so does a connection that is lost and not made again, and one that
    looks well while messages wait that nobody fetches. An age above 30 s is a
    reason to restart the worker.
    """

    class Heartbeat(bootsteps.StartStopStep):  # type: ignore[misc]
        requires = ("celery.worker.consumer.tasks:Tasks",)

        def __init__(self, parent: Any, **options: Any) -> None:
            super().__init__(parent, **options)
            self._timer: Any = None
            self._received = -1

        def start(self, parent: Any) -> None:
            self._timer = parent.timer.call_repeatedly(INTERVAL_SECONDS, self._beat, (parent,))
            path.touch()

        def stop(self, _parent: Any) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        shutdown = stop

        def _beat(self, parent: Any) -> None:
            received = sum(state.total_count.values())
            moving = received != self._received or state.reserved_requests
            self._received = received
            if moving or not _waiting(parent):
                path.touch()
            else:
                log.warning("queue_does_not_move")

    app.steps["consumer"].add(Heartbeat)


def _waiting(parent: Any) -> bool:
    """Tells whether messages wait. A connection error leaves through the event loop, which connects anew."""
    return bool(parent.task_consumer.channel.client.llen(COMPLETIONS_QUEUE))
