"""Tells what a completion led to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stats_service.application.get_standing import GetStanding, StandingToday
from stats_service.application.ports.reading import AwardedBadge, Reader


@dataclass(frozen=True, slots=True)
class CompletionEffects:
    """The standing with the completion, and the badges that its session earned."""

    standing: StandingToday
    badges: Sequence[AwardedBadge]


class GetCompletionEffects:
    """Reads a standing and awards; changes nothing."""

    def __init__(self, reader: Reader, get_standing: GetStanding) -> None:
        self._reader = reader
        self._get_standing = get_standing

    async def __call__(
        self, user_id: int, product: str, session_id: int, *, min_user_seq: int, time_zone: str | None = None
    ) -> CompletionEffects:
        """Returns the effects of a session that ended, as far as they are counted (see `pending`)."""
        standing = await self._get_standing(user_id, product, min_user_seq=min_user_seq, time_zone=time_zone)
        return CompletionEffects(standing, await self._reader.awards(user_id, session_id=session_id))
