"""Lists the badges a person has earned."""

from __future__ import annotations

from collections.abc import Sequence

from stats_service.application.ports.reading import AwardedBadge, Reader
from stats_service.application.waiting import Waiting


class ListAwardedBadges:
    """Reads awards; changes nothing."""

    def __init__(self, reader: Reader, waiting: Waiting) -> None:
        self._reader = reader
        self._waiting = waiting

    async def __call__(
        self, user_id: int, product: str, *, min_user_seq: int = 0
    ) -> tuple[Sequence[AwardedBadge], bool]:
        """Returns the badges of a product, of any when empty, newest first; and whether some are pending."""
        _, pending = await self._waiting.until_counted(user_id, min_user_seq)
        return await self._reader.awards(user_id, product=product), pending
