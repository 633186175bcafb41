"""Lists the versions of badges that were published."""

from __future__ import annotations

from collections.abc import Sequence

from stats_service.application.ports.badges import BadgeReader, PublishedVersion, VersionKey


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
