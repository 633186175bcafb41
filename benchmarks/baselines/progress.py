"""What a completion does to a learner's totals, streak and day: the rule of the baselines."""

from __future__ import annotations

from datetime import date, timedelta

from benchmarks.baselines.tables import DailyProgress, Progress


def count_completion(
    progress: Progress, daily: DailyProgress, day: date, *, seconds: int, answers: int, correct: int
) -> None:
    """Adds one completed session."""
    daily.session_count += 1
    daily.elapsed_seconds += seconds
    progress.session_count += 1
    progress.elapsed_seconds += seconds
    progress.total_exercises += answers
    progress.correct_answers += correct
    if progress.last_day is None or day > progress.last_day:
        continued = progress.last_day == day - timedelta(days=1)
        progress.current_streak = progress.current_streak + 1 if continued else 1
        progress.best_streak = max(progress.best_streak, progress.current_streak)
        progress.last_day = day


def new_progress(user_id: int) -> Progress:
    """Returns the totals of who has done nothing yet."""
    return Progress(
        user_id=user_id,
        session_count=0,
        elapsed_seconds=0,
        total_exercises=0,
        correct_answers=0,
        current_streak=0,
        best_streak=0,
    )


def new_day(user_id: int, day: date) -> DailyProgress:
    """Returns a day without anything yet."""
    return DailyProgress(user_id=user_id, day=day, session_count=0, elapsed_seconds=0)
