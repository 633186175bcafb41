"""A learner's weeks and months, hours of the day, and a year of days."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from stats_service.domain.periods import Period
from stats_service.domain.protection import KeepReason, StreakProtection
from stats_service.domain.standing import Tally
from stats_service.domain.streaks import Run, day_runs, streak_days

Key = TypeVar("Key", date, str)

# A day, a product, and what was practised then.
DayTally = tuple[date, str, Tally]


@dataclass(frozen=True, slots=True)
class Change:
    """The difference to the period before: more is positive."""

    sessions: int
    seconds: int
    days: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A period. `best` is the first of its days with the most time; `products` are in order by name."""

    period: Period
    tally: Tally
    day_count: int
    change: Change
    best: tuple[date, Tally] | None
    products: Sequence[tuple[str, Tally]]


def summaries(periods: Sequence[Period], days: Iterable[DayTally]) -> Sequence[Summary]:
    """Returns consecutive periods in order. `days` reach back to the period before the first."""
    if not periods:
        return []
    by_period: dict[date, list[DayTally]] = defaultdict(list)
    for day in days:
        by_period[Period.of(periods[0].kind, day[0]).first].append(day)
    before = periods[0].before()
    told: list[Summary] = []
    previous = _figures(by_period[before.first] if before else [])
    for period in periods:
        mine = by_period[period.first]
        figures = _figures(mine)
        told.append(_summary(period, mine, figures, previous))
        previous = figures
    return told


# Sums, and the number of days with practice.
_Figures = tuple[Tally, int]


def _figures(days: Sequence[DayTally]) -> _Figures:
    return total(tally for _, _, tally in days), len({day for day, _, _ in days})


def _summary(period: Period, days: Sequence[DayTally], figures: _Figures, previous: _Figures) -> Summary:
    tally, day_count = figures
    earlier, earlier_days = previous
    return Summary(
        period=period,
        tally=tally,
        day_count=day_count,
        change=Change(
            tally.session_count - earlier.session_count,
            tally.elapsed_seconds - earlier.elapsed_seconds,
            day_count - earlier_days,
        ),
        best=_best(_grouped((day, each) for day, _, each in days)),
        products=sorted(_grouped((product, each) for _, product, each in days).items()),
    )


def _best(days: Mapping[date, Tally]) -> tuple[date, Tally] | None:
    return min(days.items(), key=lambda each: (-each[1].elapsed_seconds, each[0]), default=None)


def _grouped(tallies: Iterable[tuple[Key, Tally]]) -> Mapping[Key, Tally]:
    groups: dict[Key, list[Tally]] = defaultdict(list)
    for key, tally in tallies:
        groups[key].append(tally)
    return {key: total(group) for key, group in groups.items()}


def total(tallies: Iterable[Tally]) -> Tally:
    """Returns the sum of some tallies."""
    known = list(tallies)
    return Tally(
        sum(each.session_count for each in known),
        sum(each.elapsed_seconds for each in known),
        sum(each.answer_count for each in known),
        sum(each.correct_answer_count for each in known),
    )


MOST_BEST_HOURS = 3

# A weekday (0 Monday to 6 Sunday), an hour (0 to 23), and the sessions that ended then.
HourTally = tuple[int, int, Tally]


@dataclass(frozen=True, slots=True)
class BestHours:
    """24 hours, the same on each of 7 weekdays, and the three hours with the most time, most first."""

    hours: Sequence[Tally]
    weekdays: Sequence[Sequence[Tally]]
    best: Sequence[int]


def best_hours(tallies: Iterable[HourTally]) -> BestHours:
    """Returns the matrix and its sums. Of hours with the same time the earlier comes first."""
    cells: dict[tuple[int, int], list[Tally]] = defaultdict(list)
    for weekday, hour, tally in tallies:
        cells[weekday, hour].append(tally)
    weekdays = [[total(cells[weekday, hour]) for hour in range(24)] for weekday in range(7)]
    hours = [total(weekday[hour] for weekday in weekdays) for hour in range(24)]
    practised = [hour for hour in range(24) if hours[hour].session_count]
    best = sorted(practised, key=lambda hour: (-hours[hour].elapsed_seconds, hour))
    return BestHours(hours, weekdays, best[:MOST_BEST_HOURS])


def accuracy(tally: Tally) -> float | None:
    """Returns the share of right answers, 0 to 1, four digits; None without answers."""
    return round(tally.correct_answer_count / tally.answer_count, 4) if tally.answer_count else None


DARKEST = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """A day: what was practised, how much that is for this learner (0 to 4), or why it keeps a streak."""

    day: date
    tally: Tally
    level: int
    keep_reason: KeepReason | None = None


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Every day of a year, and the day streak that is alive today, if any."""

    cells: Sequence[Cell]
    current: Run | None


def heatmap(
    year: int,
    tallies: Mapping[date, Tally],
    practised: Sequence[date],
    protection: StreakProtection,
    *,
    product: str,
    today: date,
) -> Heatmap:
    """Returns the year. `practised` are all days with practice, in order; `tallies` those of the year."""
    runs, _ = day_runs(streak_days(practised, protection, product), protection, product, today)
    kept = {each.period: each.reason for run in runs for each in run.protected}
    levels = _levels({day: tally.elapsed_seconds for day, tally in tallies.items()})
    cells = [Cell(day, tallies.get(day, Tally()), levels.get(day, 0), kept.get(day)) for day in days_of(year)]
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
