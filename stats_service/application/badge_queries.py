"""Lists badges: what there is to earn, what a learner has earned, and the versions that were published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from stats_service.application.freshness import Waiting
from stats_service.application.ports.badges import BadgeReader, PublishedVersion, VersionKey
from stats_service.application.ports.reading import Award, AwardedBadge, Reader
from stats_service.application.today import is_pending
from stats_service.domain.badges import BadgeContent


@dataclass(frozen=True, slots=True)
class SeenBadge:
    """A badge and, when the learner has it, the award."""

    badge: BadgeContent
    version: int
    award: Award | None


class ListBadges:
    """Reads definitions and a learner's awards; changes nothing."""

    def __init__(self, reader: Reader, waiting: Waiting) -> None:
        self._reader = reader
        self._waiting = waiting

    async def __call__(
        self, user_id: int, product: str, *, after: str, limit: int, min_user_seq: int = 0
    ) -> tuple[Sequence[SeenBadge], bool]:
        """Returns at most `limit` badges with an id after one, by id; and whether some are pending.

        Only those of a product when given. What is hidden or not active is
        shown only to those who have it, and an earned badge as it was earned.
        """
        await self._waiting.wait(user_id, min_user_seq)
        learner, newest, awards = await self._reader.together(
            self._reader.learner(user_id), self._reader.newest_badges(), self._reader.awards(user_id)
        )
        # Tens of badges: what a learner sees is decided here, not in SQL.
        seen = {each.badge.badge_id: each for each in _seen(newest, awards)}
        chosen = (
            each
            for badge_id, each in sorted(seen.items())
            if badge_id > after and product in ("", each.badge.product)
        )
        return list(islice(chosen, limit)), is_pending(learner, min_user_seq)


def _seen(newest: Sequence[PublishedVersion], awards: Sequence[AwardedBadge]) -> Iterator[SeenBadge]:
    for version in newest:
        if version.content.state == "active" and not version.content.hidden:
            yield SeenBadge(version.content, version.version, None)
    for awarded in awards:
        yield SeenBadge(awarded.badge, awarded.award.version, awarded.award)


class ListAwardedBadges:
    """Reads awards; changes nothing."""

    def __init__(self, reader: Reader, waiting: Waiting) -> None:
        self._reader = reader
        self._waiting = waiting

    async def __call__(
        self, user_id: int, product: str, *, min_user_seq: int = 0
    ) -> tuple[Sequence[AwardedBadge], bool]:
        """Returns the badges of a product, of any when empty, newest first; and whether some are pending."""
        await self._waiting.wait(user_id, min_user_seq)
        learner, awards = await self._reader.together(
            self._reader.learner(user_id), self._reader.awards(user_id, product=product)
        )
        return awards, is_pending(learner, min_user_seq)


class ListBadgeDefinitions:
    """Reads definitions; changes nothing."""

    def __init__(self, badges: BadgeReader) -> None:
        self._badges = badges

    async def __call__(
        self, *, badge_id: str, newest_only: bool, after: VersionKey | None, limit: int
    ) -> Sequence[PublishedVersion]:
        """Returns at most `limit` versions after a place, by id and version; of one badge when given."""
        return await self._badges.versions(
            badge_id=badge_id, newest_only=newest_only, after=after, limit=limit
        )
