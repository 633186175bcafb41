"""What the use cases about badges need from the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stats_service.domain.badges import BadgeContent, BadgeVersion
from stats_service.domain.facts import Facts
from stats_service.domain.person import Person

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

    async def newest(self) -> Sequence[PublishedVersion]:
        """Returns the newest version of every badge, by id."""

    async def versions(
        self, *, badge_id: str, newest_only: bool, after: VersionKey | None, limit: int
    ) -> Sequence[PublishedVersion]:
        """Returns at most `limit` versions after a place, by id and version; of one badge when given."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Some people next to each other by number, and everything that is known of them at one moment."""

    user_ids: Sequence[int]
    facts: Facts
    people: Mapping[int, Person]


class Population(Protocol):
    """Reads everybody's facts, shard by shard; synchronous, locks nobody and changes nothing.

    Methods raise UnavailableError when the database is in the way.
    """

    def size(self) -> int:
        """Returns how many people there are."""

    def versions(self, badge_id: str) -> Sequence[BadgeVersion]:
        """Returns the versions of a badge that can be or could be earned."""

    def shard(self, after_user_id: int, most: int, texts: frozenset[str]) -> Shard | None:
        """Returns the next people after a number, at most `most`; None when nobody is left.

        Their facts fit into memory. `texts` are those of a session's texts that
        are needed; the others are empty.
        """
