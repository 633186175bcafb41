"""Counts ended sessions: the consumer's side of exactly-once.

The fact in the database is the permanent record of what was counted, so an
event may come any number of times, in any order, from several deliveries at
once. Items stand alone: one that is refused or fails leaves the others of its
batch untouched.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from service_kit.errors import UnavailableError
from stats_service.application.derivation import append
from stats_service.application.ports import LearnerStore, RefusedError, Rejection
from stats_service.domain.completion import Completion

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event as it arrived, and what it says if it can be counted at all."""

    payload: bytes
    content: Completion | Rejection


@dataclass(slots=True)
class Applied:
    """What became of a batch. `postponed` may be delivered again, the rest is settled.

    `failed` counts events that met a fault of this service; they are left to
    whoever keeps the record of what was sent.
    """

    new: int = 0
    repeated: int = 0
    rejected: int = 0
    failed: int = 0
    postponed: list[Delivery] = field(default_factory=list)


class ApplyCompletions:
    """Applies batches of deliveries; one transaction a person."""

    def __init__(
        self,
        store: LearnerStore,
        *,
        budget_seconds: float = 12.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """What has not begun after `budget_seconds` is postponed."""
        self._store = store
        self._budget = budget_seconds
        self._monotonic = monotonic

    def __call__(self, deliveries: Sequence[Delivery]) -> Applied:
        """Counts every event that is new, and says what became of each. Idempotent."""
        result = Applied()
        stop = self._monotonic() + self._budget
        people: dict[int, list[tuple[Delivery, Completion]]] = defaultdict(list)
        for delivery in deliveries:
            if isinstance(delivery.content, Rejection):
                self._reject(delivery, delivery.content, result)
            else:
                people[delivery.content.user_id].append((delivery, delivery.content))
        for items in people.values():
            if self._monotonic() > stop:
                result.postponed += [delivery for delivery, _ in items]
            else:
                self._apply(items, result)
        return result

    def _apply(self, items: Sequence[tuple[Delivery, Completion]], result: Applied) -> None:
        """Applies one person's events, each alone if they cannot be applied together."""
        try:
            clashes = self._count(items, result)
        except UnavailableError:
            result.postponed += [delivery for delivery, _ in items]
        except Exception as error:
            if len(items) > 1:
                for item in items:
                    self._apply([item], result)
            elif isinstance(error, RefusedError):
                delivery, fact = items[0]
                self._reject(delivery, Rejection(fact.event_id, str(error), delivery.payload), result)
            else:
                log.error("completion_failed", event_id=str(items[0][1].event_id), exc_info=error)
                result.failed += 1
        else:
            for delivery, rejection in clashes:
                self._reject(delivery, rejection, result)

    def _count(
        self, items: Sequence[tuple[Delivery, Completion]], result: Applied
    ) -> Sequence[tuple[Delivery, Rejection]]:
        """Counts one person's new facts in one transaction; returns the events that clash with a fact."""
        offered = _first_of_each_id(fact for _, fact in items)
        with self._store.work_on(items[0][1].user_id) as work:
            added = work.add(list(offered.values()))
            if added:
                append(work, [offered[event_id] for event_id in added])
            known = dict(work.find(offered.keys() - added))
            work.commit()
        known.update({event_id: offered[event_id] for event_id in added})
        clashes = [
            (delivery, Rejection(fact.event_id, _clash(known.get(fact.event_id)), delivery.payload))
            for delivery, fact in items
            if known.get(fact.event_id) != fact
        ]
        result.new += len(added)
        result.repeated += len(items) - len(added) - len(clashes)
        return clashes

    def _reject(self, delivery: Delivery, rejection: Rejection, result: Applied) -> None:
        log.error("completion_rejected", event_id=str(rejection.event_id), reason=rejection.reason)
        try:
            if rejection.event_id is not None:
                self._store.reject([rejection])
            result.rejected += 1
        except UnavailableError:
            result.postponed.append(delivery)


def _first_of_each_id(facts: Iterable[Completion]) -> dict[UUID, Completion]:
    offered: dict[UUID, Completion] = {}
    for fact in facts:
        offered.setdefault(fact.event_id, fact)
    return offered


def _clash(known: Completion | None) -> str:
    if known is None:
        return "another fact has its session, or its place in the person's sequence"
    return "its content differs from the fact stored under its id"
