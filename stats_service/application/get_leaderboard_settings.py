"""Shows how a person takes part in leaderboards."""

from __future__ import annotations

from dataclasses import replace

from stats_service.application.ports.leaderboards import BoardKey, LeaderboardSettings, OpenSettings
from stats_service.domain.aliases import anonymous_alias


class GetLeaderboardSettings:
    """Reads settings; changes nothing."""

    def __init__(self, settings: OpenSettings, key: BoardKey) -> None:
        self._settings = settings
        self._key = key

    async def __call__(self, user_id: int) -> LeaderboardSettings:
        """Returns a person's settings with the name that is shown."""
        key = await self._key()
        async with self._settings() as work:
            return shown(user_id, await work.find(user_id), key)


def shown(user_id: int, settings: LeaderboardSettings, key: bytes) -> LeaderboardSettings:
    """Returns settings with the anonymous name in the place of none."""
    return replace(settings, alias=settings.alias or anonymous_alias(user_id, key))
