"""At which hours of their own day a person practises, and how well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stats_service.domain.standing import Tally
from stats_service.domain.summaries import total

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
