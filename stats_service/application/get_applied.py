"""Tells what became of events: this, and not the queue, settles them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from stats_service.application.ports.reading import Reader


class GetApplied:
    """Reads which events are facts; changes nothing."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def __call__(self, event_ids: Collection[UUID]) -> tuple[Collection[UUID], Mapping[UUID, str]]:
        """Returns the events that are facts, and those refused for good with the reason.

        An event that is a fact is never among the refused, even if somebody
        sent another content under its id.
        """
        # In this order, so that no event accepted between the two statements is told refused.
        rejected = await self._reader.rejected(event_ids)
        applied = await self._reader.applied(event_ids)
        return applied, {key: reason for key, reason in rejected.items() if key not in set(applied)}
