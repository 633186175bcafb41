"""What a whole population's completions add up to, in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Engine, text

BADGES = {
    "focus-3": "focus.sessions >= 3",
    "streak-3": "total.best_streak >= 3",
    "hours-4": "total.seconds >= 14400",
    "long": 'session.minutes >= 45 && (session.mode == "test" || session.hour < 8)',
}
_ALL = "all"


@dataclass
class Progress:
    """What is derived, by the names of things. `sums` are sessions, seconds, answers and right answers."""

    days: dict[tuple[int, str, date], list[int]] = field(default_factory=dict)
    standings: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    runs: dict[tuple[int, str], list[tuple[date, date]]] = field(default_factory=dict)
    awards: dict[tuple[int, str], int] = field(default_factory=dict)


def expected(engine: Engine) -> Progress:
    """Adds up every completion there is, one by one."""
    progress = Progress()
    practised: dict[tuple[int, str], set[date]] = defaultdict(set)
    counting: dict[int, list[Any]] = defaultdict(list)
    for row in _rows(engine, "SELECT * FROM stats.completion ORDER BY user_id, end_time, event_id"):
        if not row.counts:
            continue
        counting[row.user_id].append(row)
        for name in (row.product, _ALL):
            _add(progress.standings, (row.user_id, name), row)
            practised[row.user_id, name].add(row.local_date)
        _add(progress.days, (row.user_id, row.product, row.local_date), row)
    progress.runs = {key: _runs(days) for key, days in practised.items()}
    for user, rows in counting.items():
        _award(user, rows, progress.runs[user, _ALL], progress.awards)
    return progress


def stored(engine: Engine) -> Progress:
    """Returns what the tables say."""
    progress = Progress()
    for row in _rows(engine, "SELECT * FROM stats.daily_progress"):
        progress.days[row.user_id, row.product, row.local_date] = _sums(row)
    for row in _rows(engine, "SELECT * FROM stats.standing"):
        progress.standings[row.user_id, row.product] = _sums(row)
        progress.runs[row.user_id, row.product] = [
            (span.lower, span.upper - timedelta(days=1)) for span in row.days
        ]
    for row in _rows(engine, "SELECT * FROM stats.awarded_badge"):
        progress.awards[row.user_id, row.badge_id] = row.user_seq
    return progress


def _rows(engine: Engine, query: str) -> Iterator[Any]:
    """Reads part by part: there may be millions."""
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        yield from connection.execute(text(query), execution_options={"yield_per": 10_000})


def _add(sums: dict[Any, list[int]], key: Any, row: Any) -> None:
    values = (1, row.elapsed_seconds, row.answer_count, row.correct_answer_count)
    sums[key] = [total + value for total, value in zip(sums.get(key, [0] * 4), values, strict=True)]


def _sums(row: Any) -> list[int]:
    return [row.session_count, row.elapsed_seconds, row.answer_count, row.correct_answer_count]


def _runs(days: Iterable[date]) -> list[tuple[date, date]]:
    runs: list[tuple[date, date]] = []
    for day in sorted(days):
        if runs and runs[-1][1] == day - timedelta(days=1):
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def _award(
    user: int, rows: list[Any], runs: list[tuple[date, date]], awards: dict[tuple[int, str], int]
) -> None:
    focus = seconds = 0
    for row in rows:
        focus += row.product == "focus"
        seconds += row.elapsed_seconds
        first = next(start for start, end in runs if start <= row.local_date <= end)
        met = {
            "focus-3": focus >= 3,
            "streak-3": (row.local_date - first).days + 1 >= 3,
            "hours-4": seconds >= 14_400,
            "long": row.elapsed_seconds >= 45 * 60 and (row.mode == "test" or row.local_minute < 480),
        }
        for badge_id, earned in met.items():
            if earned:
                awards.setdefault((user, badge_id), row.user_seq)
