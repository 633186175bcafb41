"""Shows how a person takes part in leaderboards."""

from __future__ import annotations

from dataclasses import replace

from stats_service.application.ports.leaderboards import LeaderboardSettings, OpenSettings
from stats_service.domain.aliases import anonymous_alias


class GetLeaderboardSettings:
    """Reads settings; changes nothing."""

    def __init__(self, settings: OpenSettings) -> None:
        self._settings = settings

    async def __call__(self, user_id: int) -> LeaderboardSettings:
        """Returns a person's settings with the name that is shown."""
        async with self._settings() as work:
            return shown(user_id, await work.find(user_id))


def shown(user_id: int, settings: LeaderboardSettings) -> LeaderboardSettings:
    """Returns settings with the anonymous name in the place of none."""
    return replace(settings, alias=settings.alias or anonymous_alias(user_id))
