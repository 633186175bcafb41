"""Which state of knowledge a question is about, and which day it was then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from stats_service.application.ports.explanations import ExplanationReader
from stats_service.application.ports.surroundings import Clock
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.known import Known

LONGEST_PAGE = 366
MOST_SESSIONS_A_DAY = 10


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What was known at an instant, and the person's day then."""

    known: Known
    instant: datetime
    today: date


class Knowing:
    """Reads what is known."""

    def __init__(self, reader: ExplanationReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(
        self, user_id: int, product: str, at: datetime | None, time_zone: str | None
    ) -> Knowledge:
        """Returns what was known of a product, of all when empty, at an instant or now.

        The day of now is told by `time_zone` or else by the person's calendar,
        that of an earlier instant by the calendar in force then.
        """
        now = self._clock()
        known = await self._reader.known(user_id, product or ALL_PRODUCTS, at)
        if at is None and time_zone:
            known = _turned_to(known, now, time_zone)
        instant = min(at, now) if at else now
        return Knowledge(known, instant, known.calendar.day_of(instant))


def _turned_to(known: Known, now: datetime, time_zone: str) -> Known:
    """Returns what is known once the change of calendar arrives that a call in this zone makes."""
    calendar = replace(known.calendar, time_zone=time_zone)
    if calendar == known.calendar:
        return known
    return replace(known, timeline=[*known.timeline, (now, calendar)])
