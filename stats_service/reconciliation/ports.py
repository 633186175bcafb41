"""What reconciliation needs from the outside.

The server is asynchronous and keeps the runs; the worker is synchronous and
works on them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol
from uuid import UUID

from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion


class Whom(Enum):
    """Who is compared."""

    RECENT = "recent"
    ALL = "all"
    USERS = "users"


@dataclass(frozen=True, slots=True)
class Request:
    """What a run compares; `settle` is how long events are given to arrive."""

    whom: Whom
    user_ids: tuple[int, ...] = ()
    deep: bool = False
    settle: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is not finished. It goes on after `position`, a learner's number."""

    run_id: UUID
    request: Request
    on_demand: bool
    position: int


@dataclass(frozen=True, slots=True)
class ExpectedDigest:
    """What the session service says of a learner's events, up to the place by which they should be facts."""

    user_id: int
    last_seq: int
    settled_through: int
    count: int
    digest: int


@dataclass(frozen=True, slots=True)
class StoredDigest:
    """What a learner's facts are up to the place that was told, and the place of the last of all."""

    user_id: int
    last_seq: int
    count: int
    digest: int


@dataclass(frozen=True, slots=True)
class EventDigest:
    """The place of an event, and the digest of what it says."""

    user_seq: int
    digest: int


# Events of a learner, by id.
Events = Mapping[UUID, EventDigest]
Fact = Completion | CalendarChange


class EventRecord(Protocol):
    """What happened, as the session service tells it. Methods raise UnavailableError."""

    def digests(self, request: Request, after_user_id: int) -> Sequence[ExpectedDigest]:
        """Returns the next learners by number; nobody when none is left."""

    def digest_of(self, request: Request, user_id: int) -> ExpectedDigest | None:
        """Returns what is told of one learner; None for one without events."""

    def list_events(self, user_id: int) -> Events | None:
        """Returns all events of a learner, settled or not; None for one who was erased."""

    def facts(self, user_id: int, seqs: Sequence[int]) -> Sequence[Fact]:
        """Returns what a learner's events at these places tell."""

    def republish(self, user_id: int, seqs: Sequence[int]) -> None:
        """Has a learner's events at these places delivered again. Idempotent."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about a learner, and done.

    `republished` are events that were missing; `refused` counts missing ones
    that were refused for good, `corrected` facts that differed from their
    session, `orphans` facts that the session service does not know, and
    `progress_rows` the rows that were changed.
    """

    republished: tuple[UUID, ...] = ()
    refused: int = 0
    corrected: int = 0
    orphans: int = 0
    progress_rows: int = 0

    @property
    def anything(self) -> bool:
        """Whether there is something to tell."""
        return self != Finding()


class ReconciliationStore(Protocol):
    """Runs, and the facts to compare. Methods raise UnavailableError when the database is in the way."""

    def start_due(self, *, recent_seconds: float, nightly_hour: int) -> None:
        """Makes the runs whose time has come."""

    def next_run(self) -> Run | None:
        """Returns the oldest run that is not finished, and takes note that it is worked on."""

    def advance(self, run_id: UUID, position: int, compared: int) -> None:
        """Takes note that a run got on to a learner."""

    def finish(self, run_id: UUID) -> None:
        """Ends a run."""

    def fail(self, run_id: UUID, reason: str, *, counted: bool) -> None:
        """Takes note why a run got no further; after too many counted failures it ends."""

    def read_digests(
        self, told: Sequence[ExpectedDigest], beside: tuple[int, int] | None
    ) -> Sequence[StoredDigest]:
        """Returns what is held of these learners, and of others in a range of numbers, both ends included."""

    def end_of_page(self, after: int, last: int) -> int:
        """Returns where a page after a learner ends: at `last`, or earlier if it gets too long."""

    def facts(self, user_id: int) -> Events:
        """Returns a learner's facts."""

    def find_refused(self, event_ids: Collection[UUID]) -> Collection[UUID]:
        """Returns which of these events were refused for good."""

    def find_doubtful(self, user_ids: Sequence[int], among: tuple[int, int] | None) -> Sequence[int]:
        """Returns learners whose progress was changed other than by saving it, in order.

        Looks among these learners, or those in a range of numbers.
        """

    def note(self, run_id: UUID, user_id: int, finding: Finding) -> bool:
        """Adds to what a run found about a learner; returns False for one who was erased."""


class Alone(Protocol):
    """Sees to it that a process is the only one on an errand."""

    def alone(self, errand: str) -> AbstractContextManager[bool]:
        """Tells whether this process is the only one on an errand until the block ends."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What was found and done; `arrived` of the republished events are facts by now."""

    republished: int
    arrived: int
    refused: int
    corrected: int
    orphans: int
    progress_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """A run as it is now. `learners` is about how many there are to compare."""

    run_id: UUID
    request: Request
    started_at: datetime
    finished_at: datetime | None
    last_error: str
    compared: int
    learners: int
    different: int
    whole: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class ReconciledLearner:
    """A learner who differed."""

    user_id: int
    counts: Counts
    whole: bool


class RunStore(Protocol):
    """Where the server keeps runs."""

    async def open(self, request: Request) -> UUID:
        """Makes a run on demand, or returns one that asks for the same and is not finished."""

    async def find(self, run_id: UUID | None) -> Reconciliation | None:
        """Returns a run, the newest when none is named; None when there is none."""

    async def learners(self, run_id: UUID, after_user_id: int, limit: int) -> Sequence[ReconciledLearner]:
        """Returns learners who differed after a number, by number."""


class ReconciliationQueue(Protocol):
    """Where the worker is told that there is a run."""

    async def request(self) -> None:
        """Tells it. Raises UnavailableError when the queue does not answer."""
