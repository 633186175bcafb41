"""Answers "why did my streak break on that day?", also when it did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from stats_service.application.knowing import MOST_SESSIONS_A_DAY, Knowing
from stats_service.application.ports.explanations import DaySessions, ExplanationReader
from stats_service.domain.errors import DateOutOfRangeError
from stats_service.domain.explanation import BreakExplanation, explain_break

_DAY = timedelta(days=1)
# Beyond them there is no day before and no day after.
_EARLIEST, _LATEST = date(1900, 1, 1), date(9000, 1, 1)


@dataclass(frozen=True, slots=True)
class BreakExplained:
    """What a day did to the streak, with the sessions of the days around it."""

    told: BreakExplanation
    instant: datetime
    sessions: Mapping[date, DaySessions]


class ExplainBreak:
    """Reads facts; changes nothing."""

    def __init__(self, reader: ExplanationReader, knowing: Knowing) -> None:
        self._reader = reader
        self._knowing = knowing

    async def __call__(
        self, user_id: int, product: str, day: date, *, at: datetime | None, time_zone: str | None = None
    ) -> BreakExplained:
        """Explains a day, as known at an instant. Raises DateOutOfRangeError for one no calendar is about."""
        if not _EARLIEST <= day <= _LATEST:
            raise DateOutOfRangeError("date", _EARLIEST, _LATEST)
        knowledge = await self._knowing(user_id, product, at, time_zone)
        told = explain_break(knowledge.known, day, knowledge.today)
        sessions = await self._reader.sessions(
            user_id,
            knowledge.known.product,
            day - _DAY,
            day + _DAY,
            at,
            most_a_day=MOST_SESSIONS_A_DAY,
        )
        return BreakExplained(told, knowledge.instant, sessions)
