"""Notices a worker that does not consume, mends it, and lets others see how it is.

kombu swallows the error of an acknowledgement that fails while Redis restarts
and keeps counting the message as being worked on. A few such messages fill the
prefetch window, and the worker sits beside a full queue for ever, connected
and idle.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps
from celery.worker import state

from service_kit.broker import COMPLETIONS_QUEUE
from service_kit.logging import get_logger

# Looks at a queue that does not move before the connection is made anew.
PATIENCE = 2

log = get_logger(__name__)


class Watchdog:
    """Looks at a consumer from time to time; remembers what it saw.

    `heartbeat` is touched on connecting and at every look that finds nothing
    wrong. Looks happen in the event loop of the worker's main process, so a
    loop that hangs, a connection that is not made again and a queue that does
    not move all let the file age.
    """

    def __init__(self, heartbeat: Path | None, queues: Sequence[str] = (COMPLETIONS_QUEUE,)) -> None:
        self._heartbeat = heartbeat
        self._queues = queues
        self._received = -1
        self._stuck = 0

    def connected(self) -> None:
        """Starts anew with a connection that has just been made."""
        self._received = -1
        self._stuck = 0
        self._beat()

    def look(self, consumer: Any) -> None:
        """Raises ConnectionError, for the worker to connect anew, when messages wait and none is fetched."""
        received = sum(state.total_count.values())
        moving = received != self._received or len(state.reserved_requests) > 0
        self._received = received
        if moving or not _messages_wait(consumer, self._queues):
            self._stuck = 0
            self._beat()
            return
        self._stuck += 1
        log.warning("queue_does_not_move", looks=self._stuck)
        if self._stuck >= PATIENCE:
            raise ConnectionError("messages wait and none is fetched")

    def _beat(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.touch()


def _messages_wait(consumer: Any, queues: Sequence[str]) -> bool:
    """Asks Redis. An error leaves through the event loop, which connects anew."""
    # Not `channel.client`: its one connection is waiting for messages.
    with consumer.task_consumer.channel.conn_or_acquire() as client:
        return any(client.llen(queue) for queue in queues)


def watch(app: Celery, watchdog: Watchdog, interval_seconds: float) -> None:
    """Makes the app's workers look while they are connected."""

    class Watching(bootsteps.StartStopStep):  # type: ignore[misc]
        requires = ("celery.worker.consumer.tasks:Tasks",)

        def __init__(self, consumer: Any, **options: Any) -> None:
            super().__init__(consumer, **options)
            self._timer: Any = None

        def start(self, consumer: Any) -> None:
            watchdog.connected()
            self._timer = consumer.timer.call_repeatedly(interval_seconds, watchdog.look, (consumer,))

        def stop(self, _consumer: Any) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        shutdown = stop

    app.steps["consumer"].add(Watching)
