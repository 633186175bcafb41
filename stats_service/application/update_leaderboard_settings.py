"""Lets people say how they take part in leaderboards."""

from __future__ import annotations

from service_kit.call import Call
from service_kit.errors import InvalidArgumentError
from service_kit.once import once
from stats_service.application.get_leaderboard_settings import shown
from stats_service.application.ports.leaderboards import (
    BoardKey,
    LeaderboardSettings,
    OpenSettings,
    SettingsWork,
)
from stats_service.domain.aliases import is_alias, is_anonymous_form


class UpdateLeaderboardSettings:
    """Changes how a person takes part. Idempotent by the call's key.

    Boards look settings up when they are read, so it is in force on all of
    them with the commit.
    """

    def __init__(self, settings: OpenSettings, key: BoardKey) -> None:
        self._settings = settings
        self._key = key

    async def __call__(
        self, call: Call, *, alias: str | None = None, opted_out: bool | None = None
    ) -> LeaderboardSettings:
        """Returns the settings; None leaves one as it was, an empty name is the anonymous one.

        Raises InvalidArgumentError for a text that is no name or looks like an
        anonymous one, and AliasTakenError for a name that looks like another's.
        """
        if alias:
            _check(alias)
        key = await self._key()

        async def command(work: SettingsWork) -> LeaderboardSettings:
            return shown(call.user_id, await work.change(call.user_id, alias, opted_out), key)

        return await once(self._settings, call, LeaderboardSettings, command)


def _check(alias: str) -> None:
    if not is_alias(alias):
        raise _invalid("A name has 1 to 40 characters in one line, some to see, and no spaces around them")
    if is_anonymous_form(alias):
        raise _invalid("This form of name is for people who have not chosen one")


def _invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, reason="FIELD_INVALID", field="alias", rule="alias.form")
