"""Runs and people of runs, between rows and the application."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from stats_service.application.ports.reconciliation import Counts, Reconciliation, Request, Whom

# How many of a person's republished events are facts by now.
ARRIVED = """(
    SELECT count(*) FROM (
        SELECT event_id FROM stats.completion WHERE event_id = ANY(person.event_ids)
        UNION ALL
        SELECT event_id FROM stats.calendar_change WHERE event_id = ANY(person.event_ids)
    ) AS fact
)"""
# Whether all of them are, and nothing is left that a run cannot heal.
WHOLE = f"(refused = 0 AND aliens = 0 AND cardinality(event_ids) = {ARRIVED})"


def to_request(row: Row[Any]) -> Request:
    """Returns what the run of a row compares."""
    return Request(Whom(row.whom), tuple(row.user_ids), row.deep, row.settle)


def to_counts(row: Row[Any]) -> Counts:
    """Returns the counts of a person, or sums over some."""
    return Counts(
        republished=row.republished,
        arrived=row.arrived,
        refused=row.refused,
        corrected=row.corrected,
        aliens=row.aliens,
        progress_rows=row.progress_rows,
    )


def to_reconciliation(row: Row[Any], people: int, sums: Row[Any]) -> Reconciliation:
    """Returns a run with the sums over those who differed."""
    return Reconciliation(
        run_id=row.run_id,
        request=to_request(row),
        started_at=row.created_at,
        finished_at=row.finished_at,
        last_error=row.last_error,
        compared=row.compared,
        people=max(people, row.compared),
        different=sums.different,
        whole=sums.whole,
        counts=to_counts(sums),
    )
