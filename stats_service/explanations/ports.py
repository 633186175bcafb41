"""What explanations need from the outside.

Everything is as it was known at an instant: what was received or recorded by
then, all there is when it is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from stats_service.domain.badges import BadgeContent
from stats_service.domain.facts import Facts, LearnerFacts
from stats_service.domain.standing import Tally
from stats_service.explanations.domain import PracticeAsOf, SessionAsOf


@dataclass(frozen=True, slots=True)
class DaySessions:
    """The sessions that ended on a day: how many, and the first of them."""

    count: int
    sessions: Sequence[SessionAsOf]


@dataclass(frozen=True, slots=True)
class Total:
    """What counts, over all days, and how many sessions do not, by how they ended.

    `cut` are how many of those that count told more time than counts, and how
    many seconds more.
    """

    tally: Tally
    day_count: int
    first: date | None
    last: date | None
    left_out: Mapping[str, int]
    cut: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class BadgeRecord:
    """A version of a badge and what a learner has of it.

    It is the version that was earned by the completion `user_seq`, or the
    newest one of a badge that was not. `catalogue_revision` is the one that the
    learner's progress was made with.
    """

    version: int
    content: BadgeContent
    catalogue_revision: int
    user_seq: int | None


class ExplanationReader(Protocol):
    """Reads committed facts."""

    async def has_facts(self, user_id: int) -> bool:
        """Tells whether anything was told or recorded of a learner."""

    async def practice_as_of(self, user_id: int, product: str, at: datetime | None) -> PracticeAsOf:
        """Returns what is known of a learner's practice of a product."""

    async def sessions(
        self, user_id: int, product: str, first: date, last: date, at: datetime | None, *, most_a_day: int
    ) -> Mapping[date, DaySessions]:
        """Returns the sessions from one day to another, also those that do not count; oldest first."""

    async def total(self, user_id: int, product: str, at: datetime | None) -> Total:
        """Returns a learner's total of a product."""

    async def days(
        self, user_id: int, product: str, after: date | None, at: datetime | None, *, limit: int
    ) -> Sequence[tuple[date, Tally]]:
        """Returns the days with practice after one, oldest first."""

    async def left_out(
        self,
        user_id: int,
        product: str,
        after: date | None,
        last: date | None,
        at: datetime | None,
        *,
        limit: int,
    ) -> Sequence[SessionAsOf]:
        """Returns sessions that do not count, from the day after `after` to `last`, oldest first."""

    async def badge(self, user_id: int, badge_id: str) -> BadgeRecord | None:
        """Returns a badge that the learner has, or else the newest version of it, if there is any."""

    async def practice(self, user_id: int) -> tuple[Facts, Mapping[int, LearnerFacts]]:
        """Returns everything that a learner's progress is made of."""

    async def session(self, user_id: int, user_seq: int) -> SessionAsOf:
        """Returns the session of a completion."""
