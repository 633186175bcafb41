"""What a person practised in a week or a month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from stats_service.domain.periods import Period
from stats_service.domain.standing import Tally

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
