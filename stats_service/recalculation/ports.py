"""What recalculation needs from the outside.

The server is asynchronous and keeps the jobs; the worker is synchronous and
runs their shards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from stats_service.application.ports.learners import Difference
from stats_service.domain.badges import BadgeCatalogue
from stats_service.domain.derived import Derived
from stats_service.domain.facts import Facts, Ints, LearnerFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Who is recalculated: everybody without any condition, otherwise those who meet all conditions given.

    A learner is always derived as a whole: `product`, `first_day` and
    `last_day` (both included) select those who have completions there.
    """

    user_ids: tuple[int, ...] = ()
    first_user: int | None = None
    last_user: int | None = None
    product: str = ""
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Shard:
    """A range of learners by number, both ends included, of a job."""

    job_id: UUID
    number: int
    first_user: int
    last_user: int
    scope: Scope
    shadow: bool
    deep: bool


# Learners, in order, and the digest of each.
Digests = tuple[Ints, Ints]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts of a shard's learners, and what their stored progress is, as of one moment.

    `saved` are learners and the digests of what was saved as their progress,
    `unknown` learners whose progress was changed otherwise since, or was saved
    before there were digests. `stored` are learners and the digests of the rows
    themselves, None unless asked for.
    """

    facts: Facts
    learners: Mapping[int, LearnerFacts]
    catalogue: BadgeCatalogue
    saved: Digests
    unknown: Ints
    stored: Digests | None


@dataclass(slots=True)
class Summed:
    """What differs in a table: rows missing, surplus or changed, and how much too high its sums are."""

    learners: int = 0
    missing: int = 0
    surplus: int = 0
    changed: int = 0
    sums: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UserDifference:
    """What differs for one learner: how many rows, and the first of them."""

    user_id: int
    row_count: int
    rows: Sequence[Difference]


@dataclass(slots=True)
class Outcome:
    """What running a shard found and did. `wrong` counts learners whose stored progress was not theirs."""

    learners: int = 0
    completions: int = 0
    wrong: int = 0
    changed_rows: int = 0
    finished: bool = True
    summed: dict[str, Summed] = field(default_factory=dict)
    differences: list[UserDifference] = field(default_factory=list)


class ShardSnapshot(Protocol):
    """One moment of the database, read without locks."""

    def unsaved(self) -> tuple[Sequence[int], Sequence[int]] | None:
        """Returns a shard's learners and how many completions each has, if nothing was saved of any of them.

        None otherwise, and where rows themselves are to be looked at.
        """

    def evidence(self) -> Evidence:
        """Returns what a shard is judged by."""

    def differences(self, user_ids: Sequence[int], derived: Derived) -> Sequence[Difference]:
        """Returns the rows of some learners that are not what was derived, by table and key."""


class ClaimedShard(Protocol):
    """A shard that nobody else runs until the block ends."""

    @property
    def shard(self) -> Shard:
        """What is to be run."""

    def conclude(self, outcome: Outcome) -> None:
        """Writes what was found; a finished shard is done with it, in one transaction."""

    def fail(self, reason: str) -> None:
        """Writes why it did not get on."""


class ShardStore(Protocol):
    """Where the worker finds shards. Methods raise UnavailableError when the database is in the way."""

    def claim(self, job_id: UUID, number: int) -> AbstractContextManager[ClaimedShard | None]:
        """Takes a shard; None when it is not pending, its job was cancelled or somebody runs it."""

    def snapshot(self, shard: Shard) -> AbstractContextManager[ShardSnapshot]:
        """Opens one moment of the database."""

    def abandoned(self, *, quiet_seconds: float, most: int) -> Sequence[tuple[UUID, int]]:
        """Takes note of pending shards that nobody runs and nobody will, as being sent now; returns them.

        Those whose runner died, and, where nothing moved in a job for a while,
        those whose message was lost. Those tried too often fail.
        """

    def alone(self, errand: str) -> AbstractContextManager[bool]:
        """Tells whether this process is the only one on an errand until the block ends."""


SendShards = Callable[[Sequence[tuple[UUID, int]]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalculation:
    """A job and how far it is. `expected_completions` is an estimate, of all and of the shards done."""

    job_id: UUID
    scope: Scope
    shadow: bool
    deep: bool
    created_at: datetime
    finished_at: datetime | None
    cancelled_at: datetime | None
    shards: int
    shards_done: int
    shards_failed: int
    expected_completions: int
    expected_completions_done: int
    learners: int
    completions: int
    learners_wrong: int
    changed_rows: int
    last_error: str
    summed: Mapping[str, Summed]


class JobStore(Protocol):
    """Where the server keeps jobs."""

    async def open(self, scope: Scope, *, shadow: bool, deep: bool) -> tuple[UUID, int]:
        """Makes a job with its shards; returns its id and how many shards there are."""

    async def find(self, job_id: UUID | None) -> Recalculation | None:
        """Returns a job, the newest when none is named; None when there is none."""

    async def cancel(self, job_id: UUID) -> bool:
        """Ends a job's work unless it is done; tells whether there is such a job."""

    async def revive(self, job_id: UUID) -> bool:
        """Makes a cancelled job go on, and failed shards pending; tells whether there is such a job."""

    async def unsent(self, job_id: UUID, most: int) -> Sequence[tuple[UUID, int]]:
        """Takes note of pending shards as being sent now; returns them."""

    async def differences(self, job_id: UUID, after_user_id: int, limit: int) -> Sequence[UserDifference]:
        """Returns learners with differences after a number, by number."""


class RecalculationQueue(Protocol):
    """Where shards are sent to be run."""

    async def send(self, shards: Sequence[tuple[UUID, int]]) -> None:
        """Sends shards. Raises UnavailableError when the queue does not answer."""
