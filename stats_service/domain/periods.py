"""Days, weeks and months of a learner's own days: what boards and summaries are over."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

# How often a streak has to be practised, and what boards and summaries are over.
Cadence = Literal["day", "week", "month"]

_DAY = timedelta(days=1)
_LAST_DAY = date.max.toordinal()


@dataclass(frozen=True, slots=True)
class Period:
    """A day, an ISO week (Monday to Sunday) or a calendar month; both ends are included.

    The week in which the calendar itself ends is short.
    """

    kind: Cadence
    first: date
    last: date

    @classmethod
    def of(cls, kind: Cadence, day: date) -> Period:
        """Returns the period that a day is in."""
        if kind == "day":
            return cls(kind, day, day)
        if kind == "week":
            first = day.toordinal() - day.weekday()
            return cls(kind, date.fromordinal(first), date.fromordinal(min(first + 6, _LAST_DAY)))
        return cls(kind, day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))

    def before(self) -> Period | None:
        """Returns the period before, None for the first there is."""
        return None if self.first == date.min else Period.of(self.kind, self.first - _DAY)

    def back(self, count: int) -> Period:
        """Returns the period so many before, or the first there is."""
        period = self
        for _ in range(count):
            period = period.before() or period
        return period


def periods_between(kind: Cadence, first: date, last: date) -> Iterator[Period]:
    """Yields the periods from that of one day to that of another, oldest first."""
    period = Period.of(kind, first)
    while period.first <= last:
        yield period
        if period.last == date.max:
            return
        period = Period.of(kind, period.last + _DAY)
