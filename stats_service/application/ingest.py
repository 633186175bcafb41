"""Takes facts in: the consumer's side of exactly-once, whatever the facts tell.

The fact in the database is the permanent record of what was taken in, so an
event may come any number of times, in any order, from several deliveries at
once. Items stand alone: one that is refused or fails leaves the others of its
batch untouched.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from service_kit.errors import AccountErasedError, UnavailableError
from service_kit.logging import get_logger
from stats_service.application.ports.learners import LearnerStore, LearnerWork, RefusedError, Rejection
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.derivation import derive

# Why an event of an erased learner is refused.
ERASED = "erased"

log = get_logger(__name__)


class Fact(Protocol):
    """What happened to a learner; two facts are equal when every field is."""

    @property
    def event_id(self) -> UUID:
        """The fact's identity."""

    @property
    def user_id(self) -> int:
        """The learner's number."""


F = TypeVar("F", bound=Fact)

# What a log line says of an event, of which an unreadable one has not all.
_IDS = ("event_id", "user_id", "session_id")


@dataclass(frozen=True, slots=True)
class Delivery(Generic[F]):
    """An event as it arrived, and what it says if it can be taken in at all."""

    payload: bytes
    content: F | Rejection
    # What made the event, for the log; empty when it is not known.
    request_id: str = ""

    def about(self) -> dict[str, object]:
        """Returns what a log line says of it: whose it is, and from which request."""
        ids = {name: value for name in _IDS if (value := getattr(self.content, name, None))}
        if "event_id" in ids:
            ids["event_id"] = str(ids["event_id"])
        return {**ids, "request_id": self.request_id}


# A delivery with what it says.
_Item = tuple[Delivery[F], F]


@dataclass(slots=True)
class Applied(Generic[F]):
    """What became of a batch. `postponed` may be delivered again, the rest is settled.

    `failed` counts events that met a fault of this service; they are left to
    whoever keeps the record of what was sent.
    """

    new: int = 0
    repeated: int = 0
    rejected: int = 0
    failed: int = 0
    postponed: list[Delivery[F]] = field(default_factory=list)


# Starts a transaction on learners with facts.
Begin = Callable[[Collection[int], Sequence[F]], AbstractContextManager[LearnerWork]]
# Stores those of the facts that are new, with all that follows from
# them. Returns the ids of the new ones, and what is stored under the others'.
Record = Callable[[LearnerWork, Mapping[UUID, F]], tuple[set[UUID], Mapping[UUID, F]]]


# Sessions, those already counted included, of the learners of one transaction: few enough for all of them
# to be held, and derived, in a moment. Somebody with more has one alone.
_MOST_SESSIONS = 20_000

# Tells, after a commit that counted something new, how far the facts of its learners are complete.
Announce = Callable[[Mapping[int, int]], None]


def _tell_nobody(places: Mapping[int, int]) -> None:
    """Leaves who waits to look now and then."""


class Ingest(Generic[F]):
    """Applies batches of deliveries of one kind of fact; one transaction for some learners together."""

    def __init__(
        self,
        store: LearnerStore,
        begin: Begin[F],
        record: Record[F],
        *,
        announce: Announce,
        budget_seconds: float = 12.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """What has not begun after `budget_seconds` is postponed."""
        self._store = store
        self._begin = begin
        self._record = record
        self._announce = announce
        self._budget = budget_seconds
        self._monotonic = monotonic

    def __call__(self, deliveries: Sequence[Delivery[F]]) -> Applied[F]:
        """Takes in every event that is new, and says what became of each. Idempotent."""
        result: Applied[F] = Applied()
        stop = self._monotonic() + self._budget
        learners: dict[int, list[_Item[F]]] = defaultdict(list)
        for delivery in deliveries:
            if isinstance(delivery.content, Rejection):
                self._reject(delivery, delivery.content, result)
            else:
                learners[delivery.content.user_id].append((delivery, delivery.content))
        for lot in self._lots(learners):
            self._apply_some(lot, result, stop)
        return result

    def _lots(self, learners: Mapping[int, Sequence[_Item[F]]]) -> Iterator[Sequence[Sequence[_Item[F]]]]:
        """Yields the events of learners who are taken in together, those of each learner by themselves."""
        counted = self._sessions(learners)
        lot: list[Sequence[_Item[F]]] = []
        sessions = 0
        for user_id, items in learners.items():
            more = counted.get(user_id, 0) + len(items)
            if lot and sessions + more > _MOST_SESSIONS:
                yield lot
                lot, sessions = [], 0
            lot.append(items)
            sessions += more
        if lot:
            yield lot

    def _sessions(self, learners: Collection[int]) -> Mapping[int, int]:
        if len(learners) < 2:
            return {}
        try:
            return self._store.session_counts(learners)
        except UnavailableError:
            # Nor will the store take anything in, which is seen in its place.
            return {}

    def _apply_some(self, learners: Sequence[Sequence[_Item[F]]], result: Applied[F], stop: float) -> None:
        """Applies some learners' events; those of either half alone if they cannot be applied together."""
        items = [item for items in learners for item in items]
        if self._monotonic() > stop:
            # First, the next time: those who took all of it would take it again.
            result.postponed[:0] = [delivery for delivery, _ in items]
        elif len(learners) == 1:
            self._apply(items, result)
        else:
            try:
                clashes = self._take_in(items, result)
            except Exception as error:
                log.info("learners_taken_in_apart", learners=len(learners), reason=repr(error))
                middle = len(learners) // 2
                for half in (learners[:middle], learners[middle:]):
                    self._apply_some(half, result, stop)
            else:
                self._reject_all(clashes, result)

    def _apply(self, items: Sequence[_Item[F]], result: Applied[F]) -> None:
        """Applies one learner's events; those of either half alone if they cannot be applied together."""
        try:
            clashes = self._take_in(items, result)
        except UnavailableError:
            result.postponed += [delivery for delivery, _ in items]
        except AccountErasedError:
            for delivery, fact in items:
                self._reject(delivery, Rejection(fact.event_id, ERASED, b""), result)
        except Exception as error:
            if len(items) > 1:
                middle = len(items) // 2
                for half in (items[:middle], items[middle:]):
                    self._apply(half, result)
            elif isinstance(error, RefusedError):
                delivery, fact = items[0]
                self._reject(delivery, _reject_fact(delivery, fact, str(error)), result)
            else:
                log.error("event_failed", **items[0][0].about(), exc_info=error)
                result.failed += 1
        else:
            self._reject_all(clashes, result)

    def _take_in(
        self, items: Sequence[_Item[F]], result: Applied[F]
    ) -> Sequence[tuple[Delivery[F], Rejection]]:
        """Stores learners' new facts in one transaction; returns the events that clash with a fact.

        Raises AccountErasedError when one of the learners was erased.
        """
        offered = _first_of_each_id(fact for _, fact in items)
        users = {fact.user_id for fact in offered.values()}
        with self._begin(users, list(offered.values())) as work:
            if work.user_ids != users:
                raise AccountErasedError
            added, others = self._record(work, offered)
            work.commit()
        if added:
            self._announce(work.applied_through)
        known = {**others, **{event_id: offered[event_id] for event_id in added}}
        clashes = [
            (delivery, _reject_fact(delivery, fact, _clash(known.get(fact.event_id))))
            for delivery, fact in items
            if known.get(fact.event_id) != fact
        ]
        refused = {id(delivery) for delivery, _ in clashes}
        log.info_each(
            "event_applied",
            [
                {**delivery.about(), "new": fact.event_id in added}
                for delivery, fact in items
                if id(delivery) not in refused
            ],
        )
        result.new += len(added)
        result.repeated += len(items) - len(added) - len(clashes)
        return clashes

    def _reject_all(self, clashes: Sequence[tuple[Delivery[F], Rejection]], result: Applied[F]) -> None:
        for delivery, rejection in clashes:
            self._reject(delivery, rejection, result)

    def _reject(self, delivery: Delivery[F], rejection: Rejection, result: Applied[F]) -> None:
        log.error("event_rejected", **delivery.about(), reason=rejection.reason)
        try:
            if rejection.event_id is not None:
                self._store.reject([rejection])
            result.rejected += 1
        except UnavailableError:
            result.postponed.append(delivery)


def _reject_fact(delivery: Delivery[F], fact: F, reason: str) -> Rejection:
    return Rejection(fact.event_id, reason, delivery.payload, fact.user_id)


def _first_of_each_id(facts: Iterable[F]) -> dict[UUID, F]:
    offered: dict[UUID, F] = {}
    for fact in facts:
        offered.setdefault(fact.event_id, fact)
    return offered


def _clash(known: Fact | None) -> str:
    if known is None:
        return "another fact has its session, or its place in the learner's sequence"
    return "its content differs from the fact stored under its id"


class ApplyCompletions:
    """Applies batches of deliveries; one transaction for some learners together."""

    def __init__(
        self,
        store: LearnerStore,
        *,
        announce: Announce = _tell_nobody,
        budget_seconds: float = 12.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """What has not begun after `budget_seconds` is postponed."""
        self._ingest = Ingest(
            *(store, store.work_on, _count),
            announce=announce,
            budget_seconds=budget_seconds,
            monotonic=monotonic,
        )

    def __call__(self, deliveries: Sequence[Delivery[Completion]]) -> Applied[Completion]:
        """Counts every event that is new, and says what became of each. Idempotent."""
        return self._ingest(deliveries)


def _count(
    work: LearnerWork, offered: Mapping[UUID, Completion]
) -> tuple[set[UUID], Mapping[UUID, Completion]]:
    added = set(work.added)
    others = work.find(offered.keys() - added)
    if added:
        rederive(work, {offered[event_id].local_date for event_id in added}, commit=True)
    return added, others


class ApplyCalendarChanges:
    """Applies batches of deliveries; one transaction for some learners together.

    Days of the past stay what they were; a change of calendar can keep a
    streak over a day that it cut short.
    """

    def __init__(self, store: LearnerStore, *, announce: Announce = _tell_nobody) -> None:
        self._ingest = Ingest(store, self._begin, _remember, announce=announce)
        self._store = store

    def __call__(self, deliveries: Sequence[Delivery[CalendarChange]]) -> Applied[CalendarChange]:
        """Keeps every change that is new, and says what became of each. Idempotent."""
        return self._ingest(deliveries)

    def _begin(
        self, user_ids: Collection[int], _changes: Sequence[CalendarChange]
    ) -> AbstractContextManager[LearnerWork]:
        return self._store.work_on(user_ids)


def _remember(
    work: LearnerWork, offered: Mapping[UUID, CalendarChange]
) -> tuple[set[UUID], Mapping[UUID, CalendarChange]]:
    added = work.add_changes(list(offered.values()))
    others = work.find_changes(offered.keys() - added)
    if added:
        rederive(work, (), commit=True)
    return added, others


def rederive(work: LearnerWork, days: Collection[date] | None = None, *, commit: bool = False) -> int:
    """Derives the progress of the learners worked on from all of their facts; returns how many rows changed.

    With `days`, the caller has added facts to these days alone; what is stored
    of other days is left alone unless the learners are outdated. The products of
    a day share its seconds, so none of its rows is. With `commit`, it is the last of the work. Idempotent.
    """
    facts = work.facts()
    derived = derive(facts, work.learners(), work.catalogue())
    return work.save(facts, derived, None if work.outdated else days, commit=commit)
