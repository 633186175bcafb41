"""Tells in few numbers what everybody's events are."""

from __future__ import annotations

from collections.abc import Sequence

from session_service.application.reconciliation import DigestSelection, EventDigest, EventRecord


class ListEventDigests:
    """Reads digests of users' events."""

    def __init__(self, record: EventRecord) -> None:
        self._record = record

    async def __call__(self, selection: DigestSelection) -> Sequence[EventDigest]:
        """Returns a part of the users who have events; nobody once there are no more."""
        return await self._record.digests(selection)
