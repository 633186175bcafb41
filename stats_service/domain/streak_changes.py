"""What may be recorded that keeps streaks.

A learner's own changes never reach back: what a day was to a streak when it
ended stays so, and only an operator can repair it. Nothing here changes
anything: a rule raises its error or does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from stats_service.domain.errors import (
    DateOutOfRangeError,
    FreezeLimitReachedError,
    FreezePurchasesUsedUpError,
    PauseOverError,
    PauseOverlapsError,
    PauseTooLongError,
    RepairDayNotOverError,
    RepairNotNeededError,
    RepairWithoutStreakError,
)
from stats_service.domain.protection import Entry, FreezeGranted, StreakProtection, pauses_with_ends
from stats_service.domain.streaks import day_runs, frozen_days, streak_days

LONGEST_PAUSE_DAYS = 60
# How long a freeze that was bought is counted against the limit of purchases.
PURCHASES_WITHIN = timedelta(days=30)
FURTHEST_AHEAD = timedelta(days=366)


def check_first_day(field: str, day: date, today: date) -> None:
    """Demands today or a day of the next 366. Raises DateOutOfRangeError."""
    if not today <= day <= today + FURTHEST_AHEAD:
        raise DateOutOfRangeError(field, today, today + FURTHEST_AHEAD)


def check_pause(first: date, last: date, entries: Sequence[Entry], today: date) -> None:
    """Demands a pause to come of at most 60 days that no other has.

    Raises DateOutOfRangeError, PauseTooLongError or PauseOverlapsError.
    """
    check_first_day("first_date", first, today)
    if last < first:
        raise DateOutOfRangeError("last_date", first, None)
    if (last - first).days >= LONGEST_PAUSE_DAYS:
        raise PauseTooLongError(LONGEST_PAUSE_DAYS)
    for pause, end in pauses_with_ends(entries):
        if pause.first <= last and first <= end:
            raise PauseOverlapsError(pause.entry_id)


def check_cancellation(end: date, from_date: date, today: date) -> None:
    """Demands that a pause with this last day can be ended before a day.

    Raises PauseOverError, or DateOutOfRangeError for a day that is not one of
    today to its last.
    """
    if end < today:
        raise PauseOverError(end)
    if not today <= from_date <= end:
        raise DateOutOfRangeError("from_date", today, end)


def freezes_held(days: Sequence[date], protection: StreakProtection, product: str, today: date) -> int:
    """Returns the freezes held on a day for the streak of days with practice, in order."""
    return day_runs(streak_days(days, protection, product), protection, product, today)[1]


def check_freeze(held: int, product: str, limit: int) -> None:
    """Demands that one more can be held. Raises FreezeLimitReachedError."""
    if held >= limit:
        raise FreezeLimitReachedError(product, limit)


def check_purchases(entries: Sequence[Entry], now: datetime, limit: int) -> None:
    """Demands that one more can be bought, for whichever streak. Raises FreezePurchasesUsedUpError."""
    since = now - PURCHASES_WITHIN
    bought = sorted(
        each.recorded_at
        for each in entries
        if isinstance(each, FreezeGranted) and each.source == "bought" and each.recorded_at > since
    )
    if len(bought) >= limit:
        first_to_go = bought[-limit] if limit else now
        raise FreezePurchasesUsedUpError(limit, PURCHASES_WITHIN, first_to_go + PURCHASES_WITHIN - now)


def check_repair(
    days: Sequence[date], protection: StreakProtection, product: str, day: date, today: date
) -> None:
    """Demands a missed day that ended a streak, or would have without a freeze.

    Raises RepairDayNotOverError, RepairNotNeededError or
    RepairWithoutStreakError.
    """
    if day >= today:
        raise RepairDayNotOverError(day, today)
    runs, _ = day_runs(streak_days(days, protection, product), protection, product, today)
    ended = {run.ended_on for run in runs}
    if day in ended or day in frozen_days(runs):
        return
    if any(run.first <= day and (run.ended_on is None or day < run.ended_on) for run in runs):
        raise RepairNotNeededError(day)
    raise RepairWithoutStreakError(day)
