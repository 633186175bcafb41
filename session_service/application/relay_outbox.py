"""Sees to it that every event arrives, whatever is lost on the way."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from service_kit.errors import UnavailableError
from session_service.application.ports.outbox import Outgoing
from session_service.application.ports.statistics import Statistics, Verdicts

MAX_ATTEMPTS = 12
_LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An event not confirmed yet. `attempts` counts the relay's own publishings."""

    event_id: UUID
    kind: str
    payload: bytes
    attempts: int
    user_id: int = 0
    # What the event is about: a session's number, for the end of one.
    subject_id: int = 0
    request_id: str = ""


class OutboxQueue(Protocol):
    """The outbox as the relay sees it; each method is a short transaction of its own."""

    async def claim(self, limit: int) -> Sequence[DueEvent]:
        """Returns due events and keeps other relays off them for a while."""

    async def acknowledge(self, event_ids: Sequence[UUID]) -> None:
        """Closes events that the consumer's database has."""

    async def bury(self, event_id: UUID, reason: str) -> None:
        """Makes an event a dead letter: it is claimed no more until an operator requeues it.

        Idempotent: again, it renews the time and the `reason` that operators
        are shown. Does nothing when there is no such event.
        """

    async def retry(self, event_ids: Sequence[UUID], *, counted: bool, wait: timedelta, error: str) -> None:
        """Makes events due again after a while; `counted` adds to their attempts."""


class Publisher(Protocol):
    """Sends events to the queue. Raises UnavailableError when it cannot."""

    async def publish(self, events: Sequence[Outgoing]) -> None:
        """Returns when the broker has them, which proves nothing about the consumer."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did, in events; `published` are those the broker took."""

    claimed: int
    acknowledged: int
    published: int
    buried: int


class RelayOutbox:
    """Asks for each due event whether it was applied, and publishes it again until it was.

    An event is closed by the consumer's database alone. Attempts count only
    while the consumer answers and the broker takes them: an outage, however
    long, buries nothing. Any number of relays may run.
    """

    def __init__(
        self,
        queue: OutboxQueue,
        publisher: Publisher,
        statistics: Statistics,
        *,
        first_wait: timedelta,
        batch: int = 500,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._queue = queue
        self._publisher = publisher
        self._statistics = statistics
        self._first_wait = first_wait
        self._batch = batch
        self._jitter = jitter

    async def __call__(self) -> Round:
        """Runs one round over at most a batch of due events."""
        due = await self._queue.claim(self._batch)
        if not due:
            return Round(0, 0, 0, 0)
        verdicts = await self._statistics.verdicts([event.event_id for event in due])
        if verdicts is None:
            # Whoever cannot be asked is not told again: a queue that fills for
            # as long as an outage lasts helps nobody.
            await self._retry(due, counted=False, error="the stats service does not answer")
            return Round(len(due), 0, 0, 0)
        acknowledged, buried = await self._close(due, verdicts)
        closed = {*acknowledged, *buried}
        published = await self._publish([event for event in due if event.event_id not in closed])
        return Round(len(due), len(acknowledged), published, len(buried))

    async def _close(
        self, due: Sequence[DueEvent], verdicts: Verdicts
    ) -> tuple[Sequence[UUID], Sequence[UUID]]:
        acknowledged = [event.event_id for event in due if event.event_id in verdicts.applied]
        await self._queue.acknowledge(acknowledged)
        hopeless: dict[UUID, str] = {}
        for event in due:
            if event.event_id in verdicts.applied:
                continue
            # A refusal counts once the relay itself has published: one of before says
            # nothing about an event that was requeued because it is welcome now.
            if event.event_id in verdicts.rejected and event.attempts:
                hopeless[event.event_id] = verdicts.rejected[event.event_id]
            elif event.attempts >= MAX_ATTEMPTS:
                hopeless[event.event_id] = f"not applied after {MAX_ATTEMPTS} attempts"
        for event_id, reason in hopeless.items():
            await self._queue.bury(event_id, reason)
        return acknowledged, list(hopeless)

    async def _publish(self, events: Sequence[DueEvent]) -> int:
        """Publishes, makes the events due again later and returns how many the broker took."""
        if not events:
            return 0
        try:
            await self._publisher.publish(
                [Outgoing(event.event_id, event.kind, event.payload, event.request_id) for event in events]
            )
        except UnavailableError as failure:
            await self._retry(events, counted=False, error=failure.message)
            return 0
        await self._retry(events, counted=True, error="")
        return len(events)

    async def _retry(self, events: Sequence[DueEvent], *, counted: bool, error: str) -> None:
        by_attempts: dict[int, list[UUID]] = {}
        for event in events:
            by_attempts.setdefault(event.attempts, []).append(event.event_id)
        for attempts, event_ids in by_attempts.items():
            await self._queue.retry(event_ids, counted=counted, wait=self._wait(attempts), error=error)

    def _wait(self, attempts: int) -> timedelta:
        """Returns twice as long for each attempt, to five minutes, give or take a fifth."""
        doubled: timedelta = self._first_wait * (1 << min(attempts, 10))
        return min(doubled, _LONGEST_WAIT) * (0.8 + 0.4 * self._jitter())
