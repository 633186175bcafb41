"""Runs and learners of runs, between rows and the application."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from stats_service.reconciliation.ports import Counts, Reconciliation, Request, Whom

# How many of a learner's republished events are facts by now.
ARRIVED = """(
    SELECT count(*) FROM (
        SELECT event_id FROM stats.completion WHERE event_id = ANY(learner.event_ids)
        UNION ALL
        SELECT event_id FROM stats.calendar_change WHERE event_id = ANY(learner.event_ids)
    ) AS fact
)"""
# Whether all of them are, and nothing is left that a run cannot heal.
WHOLE = f"(refused = 0 AND orphans = 0 AND cardinality(event_ids) = {ARRIVED})"


def request_from_row(row: Row[Any]) -> Request:
    """Returns what the run of a row compares."""
    return Request(Whom(row.whom), tuple(row.user_ids), row.deep, row.settle)


def counts_from_row(row: Row[Any]) -> Counts:
    """Returns the counts of a learner, or sums over some."""
    return Counts(
        republished=row.republished,
        arrived=row.arrived,
        refused=row.refused,
        corrected=row.corrected,
        orphans=row.orphans,
        progress_rows=row.progress_rows,
    )


def reconciliation_from_row(row: Row[Any], learners: int, sums: Row[Any]) -> Reconciliation:
    """Returns a run with the sums over those who differed."""
    return Reconciliation(
        run_id=row.run_id,
        request=request_from_row(row),
        started_at=row.created_at,
        finished_at=row.finished_at,
        last_error=row.last_error,
        compared=row.compared,
        learners=max(learners, row.compared),
        different=sums.different,
        whole=sums.whole,
        counts=counts_from_row(sums),
    )
