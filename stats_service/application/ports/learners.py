"""Where facts are taken in and progress is stored: the workers' side, synchronous."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from stats_service.domain.badges import BadgeCatalogue
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.derived import Derived
from stats_service.domain.facts import Facts, LearnerFacts


class RefusedError(Exception):
    """The store will never take what was to be written; the message says why."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event refused for good. Ids are None when not even they could be read.

    Of an erased learner nothing is kept but that the event is settled.
    """

    event_id: UUID | None
    reason: str
    payload: bytes
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of derived progress that is not what the facts say: as it is, and as it should be."""

    user_id: int
    table: str
    stored: Mapping[str, object] | None
    derived: Mapping[str, object] | None


class LearnerWork(Protocol):
    """One transaction on some learners, whose rows it holds locked.

    Leaving it without a commit undoes everything. Any method raises
    UnavailableError when the database is in the way and the same work may
    succeed later, RefusedError when it never will.
    """

    @property
    def user_ids(self) -> Collection[int]:
        """Of whom the work is: all who were asked for but those who were erased."""

    @property
    def outdated(self) -> bool:
        """Whether stored progress of any of them is out of date, or was changed other than by `save`."""

    @property
    def added(self) -> Collection[UUID]:
        """The ids of the facts that it began with which were not there."""

    def add(self, facts: Sequence[Completion]) -> set[UUID]:
        """Stores facts; returns the ids of those that were not there. Skips one that clashes with another."""

    def find(self, event_ids: Collection[UUID]) -> Mapping[UUID, Completion]:
        """Returns the facts stored under these ids, whoever's they are."""

    def add_changes(self, changes: Sequence[CalendarChange]) -> set[UUID]:
        """Stores changes of calendar as `add` does facts."""

    def find_changes(self, event_ids: Collection[UUID]) -> Mapping[UUID, CalendarChange]:
        """Returns the changes of calendar stored under these ids, whoever's they are."""

    def correct(self, facts: Sequence[Completion], changes: Sequence[CalendarChange]) -> None:
        """Makes what is stored under the ids of these say what they do.

        Raises RefusedError when another fact is in the way.
        """

    def facts(self) -> Facts:
        """Returns every completion of these learners."""

    def learners(self) -> Mapping[int, LearnerFacts]:
        """Returns their other facts; nobody who has none."""

    def catalogue(self) -> BadgeCatalogue:
        """Returns the badge catalogue, which does not change until the transaction ends."""

    def save(
        self,
        facts: Facts,
        derived: Derived,
        days: Collection[date] | None = None,
        *,
        commit: bool = False,
    ) -> int:
        """Makes stored progress the derived one; returns how many rows changed.

        With `days`, no other day can have changed. Writes also how
        far facts are complete, and what became of freezes. With `commit`, it is
        the last of the work, which is durable then.
        """

    @property
    def applied_through(self) -> Mapping[int, int]:
        """How far the facts of each learner are complete, as it was saved; nobody before that."""

    def commit(self) -> None:
        """Makes the work durable, if it is not."""


class LearnerStore(Protocol):
    """Where learners' facts and progress are."""

    def work_on(
        self, user_ids: Collection[int], facts: Sequence[Completion] = ()
    ) -> AbstractContextManager[LearnerWork]:
        """Starts a transaction on learners, waiting for any other on the same ones.

        It begins with adding `facts`, as `add` does. Raises AccountErasedError when there are any and one
        of the learners was erased, or all were.
        """

    def session_counts(self, user_ids: Collection[int]) -> Mapping[int, int]:
        """Returns how many sessions of each learner are counted; nobody of whom none is."""

    def outdated(self, after_user_id: int, limit: int) -> Sequence[int]:
        """Returns learners, by number, whose progress is from an older badge catalogue or older entries."""

    def reject(self, rejections: Sequence[Rejection]) -> None:
        """Records refused events. Idempotent."""
