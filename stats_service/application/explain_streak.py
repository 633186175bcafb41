"""Explains a streak by the days it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from stats_service.application.knowing import MOST_SESSIONS_A_DAY, Knowing
from stats_service.application.ports.explanations import DaySessions, ExplanationReader
from stats_service.domain.errors import DateOutOfRangeError
from stats_service.domain.explanation import Cadence, ExplainedDay, StreakExplanation, explain_streak


@dataclass(frozen=True, slots=True)
class StreakExplained:
    """A streak with a page of its days and their sessions; `more` is the day to go on with, if any."""

    told: StreakExplanation
    instant: datetime
    days: Sequence[ExplainedDay]
    sessions: Mapping[date, DaySessions]
    more: date | None


class ExplainStreak:
    """Reads facts; changes nothing."""

    def __init__(self, reader: ExplanationReader, knowing: Knowing) -> None:
        self._reader = reader
        self._knowing = knowing

    async def __call__(
        self,
        user_id: int,
        product: str,
        cadence: Cadence,
        *,
        on: date | None,
        at: datetime | None,
        first: date | None,
        most: int,
        time_zone: str | None = None,
    ) -> StreakExplained:
        """Explains the streak of a day, today when None, as known at an instant.

        Its days are told from `first` on, at most so many. Raises
        DateOutOfRangeError for a day after today.
        """
        knowledge = await self._knowing(user_id, product, at, time_zone)
        if on is not None and on > knowledge.today:
            raise DateOutOfRangeError("on_date", None, knowledge.today)
        told = explain_streak(knowledge.known, cadence, on or knowledge.today, knowledge.today)
        days = told.days(first or date.min, most + 1)
        page = days[:most]
        sessions: Mapping[date, DaySessions] = {}
        if page:
            sessions = await self._reader.sessions(
                user_id,
                knowledge.known.product,
                page[0].day,
                page[-1].day,
                at,
                most_a_day=MOST_SESSIONS_A_DAY,
            )
        more = days[most].day if len(days) > most else None
        return StreakExplained(told, knowledge.instant, page, sessions, more)
