"""Sends events to the queue that the stats service consumes."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from typing import Protocol

from redis.exceptions import RedisError

from service_kit.broker import CALENDAR_CHANGES_TASK, COMPLETIONS_TASK, REQUEST_IDS, TaskQueue
from service_kit.errors import UnavailableError
from service_kit.logging import get_logger
from session_service.application.ports.outbox import Outgoing, Publisher
from session_service.domain.events import CALENDAR_CHANGED, ENDED

log = get_logger(__name__)

# Of one learner, or of many: deriving from hundreds of events takes hardly longer than from one.
_BATCH = 500
# While the worker is at what was sent before, one more message would wait behind that: events are gathered
# into one instead, for so long after the last one at most.
MOMENT_SECONDS = 0.1
# Who takes an event, by its kind.
_TASKS = {ENDED: COMPLETIONS_TASK, CALENDAR_CHANGED: CALENDAR_CHANGES_TASK}


class EventPublisher(Publisher):
    """Publishes events in messages of at most five hundred."""

    def __init__(self, queue: TaskQueue) -> None:
        self._queue = queue

    async def publish(self, events: Sequence[Outgoing]) -> None:
        """Returns when the broker has the events. Raises UnavailableError when it does not answer."""
        for kind, some in _messages(events):
            encoded = [base64.b64encode(event.payload).decode() for event in some]
            made_by = {str(event.event_id): event.request_id for event in some if event.request_id}
            with _broker_faults():
                await self._queue.send(_TASKS[kind], [encoded], {REQUEST_IDS: made_by})

    async def waiting(self) -> int:
        """Asks for the length of the queue. Raises UnavailableError when the broker does not answer."""
        with _broker_faults():
            return await self._queue.waiting()


@contextmanager
def _broker_faults() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise UnavailableError("The task queue does not answer", part="redis") from error


def _messages(events: Sequence[Outgoing]) -> Iterator[tuple[str, list[Outgoing]]]:
    """Yields the events of each message, which are of one kind, in their order."""
    by_kind = sorted(events, key=lambda event: event.kind)
    for kind, group in groupby(by_kind, key=lambda event: event.kind):
        alike = list(group)
        for first in range(0, len(alike), _BATCH):
            yield kind, alike[first : first + _BATCH]


class Counted(Protocol):
    """How far learners' events are counted, as far as workers are heard."""

    @property
    def hears(self) -> bool:
        """Whether anything can be heard."""

    async def reach(self, user_id: int, user_seq: int) -> bool:
        """Returns once it is heard that an event is counted, or after a while."""


class FastPublisher:
    """Publishes right after a commit, in the background, without a promise.

    A learner who ends a session now and then is told of at once. Of many the
    worker makes some large transactions in place of as many small ones: while
    it has not counted the last event that was sent, the next are gathered.

    What is lost here (a full queue, a broker that is away, a crash) the relay
    publishes later: the outbox row is the promise.
    """

    def __init__(
        self,
        publisher: Publisher,
        counted: Counted,
        *,
        capacity: int = 10_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publisher = publisher
        self._counted = counted
        self._monotonic = monotonic
        self._last: Outgoing | None = None
        self._sent = 0.0
        self._waiting: asyncio.Queue[Outgoing] = asyncio.Queue(capacity)
        self._task: asyncio.Task[None] | None = None

    def offer(self, events: Sequence[Outgoing]) -> None:
        """Takes committed events. Never blocks, never raises."""
        for event in events:
            try:
                self._waiting.put_nowait(event)
            except asyncio.QueueFull:
                log.warning("fast_publish_skipped", reason="queue full")
                return

    def start(self) -> None:
        """Begins to publish in the running event loop."""
        self._task = asyncio.create_task(self._run(), name="fast-publisher")

    async def stop(self) -> None:
        """Stops; what still waits is left to the relay."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            self._take(batch)
            try:
                await self._gather(batch)
                await self._publisher.publish(batch)
                self._last, self._sent = batch[-1], self._monotonic()
            except UnavailableError as error:
                log.warning("fast_publish_failed", events=len(batch), reason=error.message)
            except Exception:
                # This task must outlive any fault: the relay covers one batch.
                log.exception("fast_publish_failed", events=len(batch))

    async def _gather(self, batch: list[Outgoing]) -> None:
        """Takes what comes until the last event that was sent is counted, or was sent a moment ago."""
        left = self._sent + MOMENT_SECONDS - self._monotonic()
        if self._last is None or left <= 0 or len(batch) >= _BATCH or not self._counted.hears:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._counted.reach(self._last.user_id, self._last.user_seq)
        self._take(batch)

    def _take(self, batch: list[Outgoing]) -> None:
        while len(batch) < _BATCH and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
