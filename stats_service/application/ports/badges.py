"""What the use cases about badges need from the outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stats_service.domain.badges import BadgeContent, BadgeVersion
from stats_service.domain.conditions import Condition
from stats_service.domain.facts import Facts, LearnerFacts

# A badge and a number of its versions: a place in the list of versions.
VersionKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """A version of a badge as it was published; `replaced_at` is None for the newest."""

    version: int
    content: BadgeContent
    replaced_at: datetime | None


class BadgeReader(Protocol):
    """Reads committed definitions."""

    async def versions(
        self, *, badge_id: str, newest_only: bool, after: VersionKey | None, limit: int
    ) -> Sequence[PublishedVersion]:
        """Returns at most `limit` versions after a place, by id and version; of one badge when given."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Some learners next to each other by number, and everything that is known of them at one moment."""

    user_ids: Sequence[int]
    facts: Facts
    learners: Mapping[int, LearnerFacts]


class Population(Protocol):
    """Reads everybody's facts, shard by shard; synchronous, locks nobody and changes nothing.

    Methods raise UnavailableError when the database is in the way.
    """

    def size(self) -> int:
        """Returns how many learners there are."""

    def versions(self, badge_id: str) -> Sequence[BadgeVersion]:
        """Returns the versions of a badge that can be or could be earned."""

    def shard(self, after_user_id: int, most: int, texts: frozenset[str]) -> Shard | None:
        """Returns the next learners after a number, at most `most`; None when nobody is left.

        Their facts fit into memory. `texts` are those of a session's texts that
        are needed; the others are empty.
        """


class BadgePublication(Protocol):
    """One transaction on the badge definitions; no completion is applied while it lasts."""

    async def newest(self) -> Mapping[str, tuple[int, BadgeContent]]:
        """Returns the newest version of every badge."""

    async def ever_active(self) -> Collection[str]:
        """Returns the badges of which some version could be earned."""

    async def publish(self, badges: Sequence[tuple[int, BadgeContent]]) -> None:
        """Stores new versions, which replace the ones before as of now and make a new revision."""

    async def anybody_outdated(self) -> bool:
        """Tells whether the progress of some learner was made with an older catalogue."""

    async def commit(self) -> None:
        """Makes the work durable."""


OpenBadgePublication = Callable[[], AbstractAsyncContextManager[BadgePublication]]


# Returns the condition that a text says. Raises ConditionError for one that says none.
CompileCondition = Callable[[str], Condition]


class BackfillQueue(Protocol):
    """Where backfills are asked for."""

    async def request(self) -> None:
        """Asks for a backfill of badges. Raises UnavailableError when the queue does not answer."""
