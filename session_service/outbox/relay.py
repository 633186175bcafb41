"""Publishes events again until the stats service has applied them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from service_kit.errors import UnavailableError
from service_kit.logging import get_logger
from session_service.application.ports.outbox import Outgoing, Publisher
from session_service.application.ports.statistics import Statistics, Verdicts
from session_service.domain.events import ENDED
from session_service.outbox.ports import DueEvent, OutboxQueue

log = get_logger(__name__)

MAX_ATTEMPTS = 12
_LONGEST_WAIT = timedelta(minutes=5)
# Of a message: enough that a transaction for it is worth its while.
_MOST_TOGETHER = 500
# Messages that wait for the worker while there is still more to send: enough to keep it busy during a round.
_ENOUGH_WAITING = 10
# Between two looks whether fewer wait, and how many there are before more is sent all the same.
LOOK_SECONDS, _MOST_LOOKS = 0.02, 250


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did, in events; `due` are those it asked about, `published` those the broker took."""

    due: int
    acknowledged: int
    published: int
    buried: int

    @property
    def settled(self) -> bool:
        """Whether none of its events waits for anything any more."""
        return 0 < self.due == self.acknowledged + self.buried


class RelayOutbox:
    """Asks for each due event whether it was applied, and publishes it again until it was.

    An event is closed by the consumer's database alone. Attempts count only
    while the consumer answers and the broker takes them: an outage, however
    long, buries nothing. Any number of relays may run: what was not applied is
    claimed, so that one publishes it, and the rest is only closed. A learner's
    events of a round are sent side by side: deriving from all of them takes
    hardly longer than from one.
    """

    def __init__(
        self,
        queue: OutboxQueue,
        publisher: Publisher,
        statistics: Statistics,
        *,
        first_wait: timedelta,
        batch: int = 5_000,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._queue = queue
        self._publisher = publisher
        self._statistics = statistics
        self._first_wait = first_wait
        self.batch = batch
        self._jitter = jitter

    async def __call__(self) -> Round:
        """Runs one round over at most a batch of due events."""
        due = await self._queue.look(self.batch)
        if not due:
            return Round(0, 0, 0, 0)
        verdicts = await self._statistics.verdicts([event.event_id for event in due])
        if verdicts is None:
            # Whoever cannot be asked is not told again: a queue that fills for
            # as long as an outage lasts helps nobody, nor do rows that are written over meanwhile.
            return Round(len(due), 0, 0, 0)
        acknowledged = [event.event_id for event in due if event.event_id in verdicts.applied]
        if acknowledged:
            await self._queue.acknowledge(acknowledged)
        late = [event.event_id for event in due if event.event_id not in verdicts.applied]
        claimed = await self._queue.claim(late) if late else []
        buried = await self._bury(claimed, verdicts)
        published = await self._publish([event for event in claimed if event.event_id not in buried])
        return Round(len(due), len(acknowledged), published, len(buried))

    async def _bury(self, events: Sequence[DueEvent], verdicts: Verdicts) -> Collection[UUID]:
        """Gives up what is hopeless."""
        hopeless: dict[UUID, str] = {}
        for event in events:
            # A refusal counts once the relay itself has published: one of before says
            # nothing about an event that was requeued because it is welcome now.
            if event.event_id in verdicts.rejected and event.attempts:
                hopeless[event.event_id] = verdicts.rejected[event.event_id]
            elif event.attempts >= MAX_ATTEMPTS:
                hopeless[event.event_id] = f"not applied after {MAX_ATTEMPTS} attempts"
        for event_id, reason in hopeless.items():
            await self._queue.bury(event_id, reason)
        return hopeless.keys()

    async def _publish(self, events: Sequence[DueEvent]) -> int:
        """Publishes, makes the events due again later and returns how many the broker took."""
        sent: list[DueEvent] = []
        try:
            for together in _messages(events):
                await self._publisher.publish(
                    [Outgoing(each.event_id, each.kind, each.payload, each.request_id) for each in together]
                )
                sent += together
        except UnavailableError as failure:
            taken = {each.event_id for each in sent}
            left = [each for each in events if each.event_id not in taken]
            await self._retry(left, counted=False, error=failure.message)
        # A broker that is full gets no more of the same for a while.
        await self._retry(sent, counted=True, error="")
        return len(sent)

    async def wait_for_worker(self) -> None:
        """Waits until hardly anything of what was sent waits for the worker, for some seconds at most.

        What waits for long is sent again and again, and taken in as often.
        Raises UnavailableError when the broker does not answer.
        """
        for _ in range(_MOST_LOOKS):
            if await self._publisher.waiting() <= _ENOUGH_WAITING:
                return
            await asyncio.sleep(LOOK_SECONDS)

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


def _messages(events: Sequence[DueEvent]) -> Iterator[Sequence[DueEvent]]:
    """Yields the events of each message: all of a learner in one, as far as they fit, for one worker."""
    message: list[DueEvent] = []
    by_learner = attrgetter("user_id")
    for _, group in groupby(sorted(events, key=by_learner), key=by_learner):
        mine = list(group)
        if message and len(message) + len(mine) > _MOST_TOGETHER:
            yield message
            message = []
        message += mine
        while len(message) > _MOST_TOGETHER:
            yield message[:_MOST_TOGETHER]
            message = message[_MOST_TOGETHER:]
    if message:
        yield message


class LoggedOutboxQueue(OutboxQueue):
    """Logs what becomes of each event of a queue, and whose it is."""

    def __init__(self, queue: OutboxQueue) -> None:
        self._queue = queue
        self._seen: dict[UUID, DueEvent] = {}

    async def look(self, limit: int) -> Sequence[DueEvent]:
        """Remembers the events of this round."""
        due = await self._queue.look(limit)
        self._seen = {event.event_id: event for event in due}
        return due

    async def claim(self, event_ids: Sequence[UUID]) -> Sequence[DueEvent]:
        """Logs nothing: what becomes of them is told then."""
        return await self._queue.claim(event_ids)

    async def acknowledge(self, event_ids: Sequence[UUID]) -> None:
        """Logs events that arrived."""
        await self._queue.acknowledge(event_ids)
        for event_id in event_ids:
            log.info("event_acknowledged", **self._about(event_id))

    async def bury(self, event_id: UUID, reason: str) -> None:
        """Logs an event that was given up."""
        await self._queue.bury(event_id, reason)
        log.error("event_given_up", reason=reason, **self._about(event_id))

    async def retry(self, event_ids: Sequence[UUID], *, counted: bool, wait: timedelta, error: str) -> None:
        """Logs events that were published again, or could not be."""
        await self._queue.retry(event_ids, counted=counted, wait=wait, error=error)
        for event_id in event_ids:
            if counted:
                log.info("event_published", **self._about(event_id))
            else:
                log.warning("event_waits", reason=error, **self._about(event_id))

    def _about(self, event_id: UUID) -> dict[str, object]:
        event = self._seen[event_id]
        about = {"event_id": str(event_id), "user_id": event.user_id, "request_id": event.request_id}
        return {**about, "session_id": event.subject_id} if event.kind == ENDED else about
