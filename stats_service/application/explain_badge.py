"""Explains a badge by the session that earned it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from stats_service.application.ports.explanations import BadgeRecord, ExplanationReader
from stats_service.domain.badges import BadgeVersion
from stats_service.domain.conditions import Condition
from stats_service.domain.derivation import values_at
from stats_service.domain.errors import BadgeNotFoundError
from stats_service.domain.sessions import KnownSession


@dataclass(frozen=True, slots=True)
class BadgeExplained:
    """A badge, the session that earned it or could have last, and the condition's variables there."""

    record: BadgeRecord
    session: KnownSession | None
    values: Mapping[str, int | str]


class ExplainBadge:
    """Reads facts; changes nothing."""

    def __init__(self, reader: ExplanationReader) -> None:
        self._reader = reader

    async def __call__(self, user_id: int, badge_id: str) -> BadgeExplained:
        """Explains why a badge was earned, or was not so far.

        Raises BadgeNotFoundError for one that there is not, and for a draft or
        a hidden one that the person does not have.
        """
        record = await self._reader.badge(user_id, badge_id)
        if record is None or (record.user_seq is None and not _is_shown(record)):
            raise BadgeNotFoundError(badge_id)
        content = record.content
        version = BadgeVersion(
            badge_id=badge_id,
            version=record.version,
            condition=Condition(content.condition),
            first_day=content.first_day,
            last_day=content.last_day,
        )
        facts, people = await self._reader.practice(user_id)
        # It computes; the event loop must not.
        found = await asyncio.to_thread(values_at, facts, people, version, record.user_seq)
        if found is None:
            return BadgeExplained(record, None, {})
        seq, values = found
        session = await self._reader.session(user_id, seq)
        return BadgeExplained(
            record, session, {f"{scope}.{name}": value for (scope, name), value in values.items()}
        )


def _is_shown(record: BadgeRecord) -> bool:
    return record.content.state != "inactive" and not record.content.hidden
