"""What a stats database holds: read back by the names of things, made anew, and emptied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, text

from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.adapters.db.tables import Spans, leaderboard_key, metadata
from stats_service.application.backfill import BackfillBadges
from stats_service.domain.standing import Standing
from tests.stats_service.adapters.db.dump import DERIVED, derived_state
from tests.stats_service.domain.plain import Told

_STANDINGS = text("SELECT * FROM stats.standing").columns(days=Spans)
# How far facts are complete, and the calendar and the end of the last of them.
Through = tuple[int, str, int, datetime | None]


def stored(engine: Engine) -> Told:
    """Returns the derived rows; of freezes only those used."""
    found = Told()
    with engine.connect() as connection:
        for row in connection.execute(text("SELECT * FROM stats.daily_progress")):
            found.days[row.user_id, row.product, row.local_date] = _sums(row)
        for row in connection.execute(_STANDINGS):
            key = (row.user_id, row.product)
            found.standings[key] = _sums(row)
            found.practised[key] = list(Standing(spans=row.days).days)
            if row.frozen:
                found.frozen[key] = row.frozen
        for row in connection.execute(text("SELECT * FROM stats.awarded_badge")):
            found.awards[row.user_id, row.badge_id] = (row.version, row.user_seq)
    return found


def _sums(row: Any) -> tuple[int, int, int, int]:
    return (row.session_count, row.elapsed_seconds, row.answer_count, row.correct_answer_count)


def through(engine: Engine) -> Mapping[int, Through]:
    """Returns what learners' rows say of their facts."""
    query = text(
        "SELECT user_id, applied_through, time_zone, rollover_hour, latest_end_time FROM stats.learner"
    )
    with engine.connect() as connection:
        return {row[0]: tuple(row[1:]) for row in connection.execute(query)}  # type: ignore[misc]


def audited(engine: Engine) -> Mapping[tuple[int, str], list[date]]:
    """Returns the days on which a freeze is used, as the ledger has it; each is used and refunded in turn."""
    query = text("SELECT user_id, product, day, change FROM stats.freeze_ledger ORDER BY id")
    used: dict[tuple[int, str], list[date]] = {}
    with engine.connect() as connection:
        for row in connection.execute(query):
            days = used.setdefault((row.user_id, row.product), [])
            if row.change == "used":
                assert row.day not in days, "used twice"
                days.append(row.day)
            else:
                days.remove(row.day)
    return {key: sorted(days) for key, days in used.items() if days}


def rebuilt(engine: Engine, store: SqlLearnerStore) -> str:
    """Empties the derived tables and makes everything anew from the facts; returns what became of them.

    The ledger of freezes, which is no derived table, stays as it was.
    """
    with engine.begin() as connection:
        newest = connection.execute(text("SELECT coalesce(max(id), 0) FROM stats.freeze_ledger")).scalar_one()
        for table in DERIVED:
            connection.execute(text(f"DELETE FROM stats.{table}"))
        connection.execute(
            text(
                "UPDATE stats.learner SET catalogue_revision = -1, applied_through = 0, time_zone = 'UTC',"
                " rollover_hour = 0, latest_end_time = NULL"
            )
        )
    assert BackfillBadges(store)() is None
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM stats.freeze_ledger WHERE id > :newest"), {"newest": newest})
    return derived_state(engine)


def empty(connection: Connection) -> None:
    """Deletes every row but the one that a migration put there, and numbers what comes from 1 on."""
    connection.exec_driver_sql(_emptying(), execution_options={"no_parameters": True})


@cache
def _emptying() -> str:
    tables = [str(table) for table in reversed(metadata.sorted_tables) if table is not leaderboard_key]
    return "; ".join(
        [
            # No digest of what goes is to be forgotten first.
            "SET LOCAL stats.saving = 'on'",
            *(f"DELETE FROM {table}" for table in tables),
            "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)"
            " FROM pg_sequences WHERE schemaname = 'stats' AND last_value IS NOT NULL",
        ]
    )


def end_those_in_transaction(engine: Engine) -> None:
    """Ends whoever is in the middle of a transaction in the database, as a lost connection would."""
    query = text(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
    )
    with engine.connect() as connection:
        assert connection.execute(query).scalars().all() == [True]
