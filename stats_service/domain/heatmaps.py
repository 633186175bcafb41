"""A year of a person's days, for a heatmap."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from stats_service.domain.keeping import Keeping
from stats_service.domain.standing import Tally
from stats_service.domain.streaks import Run, day_runs, streak_days

DARKEST = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """A day: what was practised, how much that is for this person (0 to 4), or why it keeps a streak."""

    day: date
    tally: Tally
    level: int
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Every day of a year, and the day streak that is alive today, if any."""

    cells: Sequence[Cell]
    current: Run | None


def heatmap(
    year: int,
    tallies: Mapping[date, Tally],
    practised: Sequence[date],
    keeping: Keeping,
    *,
    product: str,
    today: date,
) -> Heatmap:
    """Returns the year. `practised` are all days with practice, in order; `tallies` those of the year."""
    runs, _ = day_runs(streak_days(practised, keeping, product), keeping, product, today)
    kept = {each.period: each.reason for run in runs for each in run.kept}
    levels = _levels({day: tally.elapsed_seconds for day, tally in tallies.items()})
    cells = [
        Cell(day, tallies.get(day, Tally()), levels.get(day, 0), kept.get(day, "")) for day in days_of(year)
    ]
    return Heatmap(cells, runs[-1] if runs and runs[-1].ended_on is None else None)


def days_of(year: int) -> Sequence[date]:
    """Returns the 365 or 366 days of a year, oldest first."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _levels(seconds: Mapping[date, int]) -> Mapping[date, int]:
    """Returns for each day with practice which quarter of those days it closes, 1 to 4.

    Days that are alike share the darker level: who practises the same every
    day sees the darkest.
    """
    ordered = sorted(seconds.values())
    # The share of days with no more, in quarters, rounded up.
    return {day: -(-DARKEST * bisect_right(ordered, each) // len(ordered)) for day, each in seconds.items()}
