"""The derived tables as text, to compare them byte by byte."""

from __future__ import annotations

from sqlalchemy import Engine, text

DERIVED = ("daily_progress", "standing", "awarded_badge")


def derived_state(engine: Engine) -> str:
    """Returns every derived row in the order of its key; how often a row changed is no part of it."""
    with engine.connect() as connection:
        lines = [
            f"{table} {row}"
            for table in DERIVED
            for row in connection.execute(text(f"SELECT t::text FROM stats.{table} t ORDER BY 1")).scalars()
        ]
        learners = text(
            "SELECT user_id, time_zone, rollover_hour, latest_end_time, applied_through,"
            " catalogue_revision FROM stats.learner ORDER BY user_id"
        )
        return "\n".join([*lines, *(f"learner {tuple(row)}" for row in connection.execute(learners))])
