"""Runs as the worker goes on with them, and facts as they are compared: synchronous."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, text, update
from typing_extensions import override

from stats_service.adapters.db import fact_statements
from stats_service.adapters.db.learner_store import faults_understood
from stats_service.adapters.db.tables import reconciliation
from stats_service.reconciliation.ports import (
    EventDigest,
    Events,
    ExpectedDigest,
    Finding,
    ReconciliationStore,
    Run,
    StoredDigest,
)
from stats_service.reconciliation.rows import WHOLE, request_from_row

MOST_ATTEMPTS = 10
_LONGEST_ERROR = 1_000
_SILENT = "its worker ended again and again without a word"


class SqlReconciliationStore(ReconciliationStore):
    """Runs and facts in PostgreSQL; each method is a transaction."""

    def __init__(self, engine: Engine, *, most_learners: int = 5_000) -> None:
        """`most_learners` are compared at once, as many as the session service lists in a page."""
        self._engine = engine
        self._most_learners = most_learners

    @override
    def start_due(self, *, recent_seconds: float, nightly_hour: int) -> None:
        values = {"often": timedelta(seconds=recent_seconds), "hour": timedelta(hours=nightly_hour)}
        with faults_understood(), self._engine.begin() as connection:
            # In this order: a nightly run that was just made stands in for a recent one.
            connection.execute(_START_NIGHTLY, {"hour": values["hour"]})
            connection.execute(_START_RECENT, {"often": values["often"]})

    @override
    def next_run(self) -> Run | None:
        with faults_understood(), self._engine.begin() as connection:
            row = connection.execute(_NEXT, {"most_attempts": MOST_ATTEMPTS, "silent": _SILENT}).one_or_none()
            if row is None:
                return None
            if not row.position:
                connection.execute(_MARK_WHOLE)
            return Run(row.run_id, request_from_row(row), row.on_demand, row.position)

    @override
    def advance(self, run_id: UUID, position: int, compared: int) -> None:
        columns = reconciliation.c
        # It got on: what comes next is not what failed before.
        self._change(
            run_id, position=position, compared=columns.compared + compared, attempts=0, last_error=""
        )

    @override
    def finish(self, run_id: UUID) -> None:
        self._change(run_id, finished_at=func.clock_timestamp())

    @override
    def fail(self, run_id: UUID, reason: str, *, counted: bool) -> None:
        columns = reconciliation.c
        self._change(
            run_id, last_error=reason[:_LONGEST_ERROR], attempts=columns.attempts - (0 if counted else 1)
        )

    @override
    def read_digests(
        self, told: Sequence[ExpectedDigest], beside: tuple[int, int] | None
    ) -> Sequence[StoredDigest]:
        values = {
            "users": [each.user_id for each in told],
            "settled": [each.settled_through for each in told],
            **_span(beside),
        }
        with faults_understood(), self._engine.connect() as connection:
            return [StoredDigest(*row) for row in connection.execute(_held(beside is not None), values)]

    @override
    def end_of_page(self, after: int, last: int) -> int:
        values = {"first": after + 1, "last": last, "most": self._most_learners}
        with faults_understood(), self._engine.connect() as connection:
            beyond = connection.execute(_BEYOND_PAGE, values).scalar_one_or_none()
        return last if beyond is None else beyond - 1

    @override
    def facts(self, user_id: int) -> Events:
        with faults_understood(), self._engine.connect() as connection:
            found = connection.execute(_FACTS, {"owner": user_id})
            return {row.event_id: EventDigest(row.user_seq, row.digest) for row in found}

    @override
    def find_refused(self, event_ids: Collection[UUID]) -> Collection[UUID]:
        with faults_understood(), self._engine.connect() as connection:
            return {row.event_id for row in connection.execute(fact_statements.rejected(event_ids))}

    @override
    def find_doubtful(self, user_ids: Sequence[int], among: tuple[int, int] | None) -> Sequence[int]:
        values = _span(among) if among else {"users": list(user_ids)}
        with faults_understood(), self._engine.connect() as connection:
            return connection.execute(_doubtful(among is not None), values).scalars().all()

    @override
    def note(self, run_id: UUID, user_id: int, finding: Finding) -> bool:
        values = {
            "run": run_id,
            "owner": user_id,
            "events": list(finding.republished),
            "refused": finding.refused,
            "corrected": finding.corrected,
            "orphans": finding.orphans,
            "progress_rows": finding.progress_rows,
        }
        with faults_understood(), self._engine.begin() as connection:
            # Of whoever was erased, a trigger keeps nothing.
            return bool(connection.execute(_NOTE, values).rowcount)

    def _change(self, run_id: UUID, **values: Any) -> None:
        changed = update(reconciliation).where(reconciliation.c.run_id == run_id).values(**values)
        with faults_understood(), self._engine.begin() as connection:
            connection.execute(changed)


def _span(span: tuple[int, int] | None) -> dict[str, int]:
    return {"first": span[0], "last": span[1]} if span else {}


# As practice.session.v1.EventDigest names the columns; the session service's
# rows have the same ones, with the same types and in the same order.
_FACT_HASH = """
    hash_record_extended(ROW(
        session_id, user_id, user_seq, product, mode, content, outcome, start_time, end_time, time_zone,
        rollover_hour::bigint, local_date, elapsed_seconds, implausible, answer_count::bigint,
        correct_answer_count::bigint, synced
    ), 0)
"""
_CHANGE_HASH = """
    hash_record_extended(ROW(
        user_id, user_seq, effective_time, time_zone, rollover_hour::bigint, sign_up_time
    ), 0)
"""


def _facts(where: str) -> str:
    return f"""
        SELECT event_id, user_id, user_seq, {_FACT_HASH} AS digest FROM stats.completion WHERE {where}
        UNION ALL
        SELECT event_id, user_id, user_seq, {_CHANGE_HASH} FROM stats.calendar_change WHERE {where}
    """  # noqa: S608


def _whose(spanning: bool) -> str:
    return "user_id BETWEEN :first AND :last" if spanning else "user_id = ANY(cast(:users AS bigint[]))"


def _held(spanning: bool) -> Any:
    return text(
        f"""
        WITH told AS (
            SELECT * FROM unnest(cast(:users AS bigint[]), cast(:settled AS bigint[]))
                AS told (user_id, settled)
        ), fact AS ({_facts(_whose(spanning))})
        SELECT fact.user_id, max(user_seq), count(*) FILTER (WHERE user_seq <= settled),
            coalesce(bit_xor(digest) FILTER (WHERE user_seq <= settled), 0)
        FROM fact LEFT JOIN told ON told.user_id = fact.user_id
        GROUP BY fact.user_id
        """  # noqa: S608
    )


def _doubtful(spanning: bool) -> Any:
    whose = _whose(spanning)
    return text(
        f"""
        SELECT user_id FROM stats.learner WHERE {whose} AND progress_digest IS NULL
        UNION
        SELECT user_id FROM stats.completion WHERE {whose}
            AND NOT EXISTS (SELECT FROM stats.learner WHERE learner.user_id = completion.user_id)
            AND NOT EXISTS (SELECT FROM stats.erased_user WHERE erased_user.user_id = completion.user_id)
        ORDER BY user_id
        """  # noqa: S608
    )


_FACTS = text(_facts("user_id = :owner"))

_BEYOND_PAGE = text(
    """
    SELECT user_id FROM stats.learner WHERE user_id BETWEEN :first AND :last
    ORDER BY user_id OFFSET :most LIMIT 1
    """
)

# Due once since that hour last came, so a run that was missed while machines were off is made up for.
_START_NIGHTLY = text(
    """
    INSERT INTO stats.reconciliation (run_id, whom, deep)
    SELECT gen_random_uuid(), 'all', true WHERE NOT EXISTS (
        SELECT FROM stats.reconciliation WHERE whom = 'all' AND deep AND (
            finished_at IS NULL
            OR created_at >= date_trunc('day', clock_timestamp() - cast(:hour AS interval))
                + cast(:hour AS interval)
        )
    )
    """
)
_START_RECENT = text(
    """
    INSERT INTO stats.reconciliation (run_id, whom, deep)
    SELECT gen_random_uuid(), 'recent', false WHERE NOT EXISTS (
        SELECT FROM stats.reconciliation WHERE whom IN ('recent', 'all') AND (
            finished_at IS NULL OR created_at >= clock_timestamp() - cast(:often AS interval)
        )
    )
    """
)
# Runs that somebody waits for come first, those of named learners before all. One that keeps failing ends.
_NEXT = text(
    """
    WITH worn AS (
        UPDATE stats.reconciliation
        SET finished_at = clock_timestamp(), last_error = coalesce(nullif(last_error, ''), :silent)
        WHERE finished_at IS NULL AND attempts >= :most_attempts RETURNING run_id
    )
    UPDATE stats.reconciliation SET attempts = attempts + 1 WHERE run_id = (
        SELECT run_id FROM stats.reconciliation
        WHERE finished_at IS NULL AND run_id NOT IN (SELECT run_id FROM worn)
        ORDER BY whom = 'users' DESC, on_demand DESC, created_at LIMIT 1
    )
    RETURNING *
    """
)
# What earlier runs healed and is whole by now.
_MARK_WHOLE = text(
    f"UPDATE stats.reconciliation_learner AS learner SET whole_at = clock_timestamp()"  # noqa: S608
    f" WHERE whole_at IS NULL AND {WHOLE}"
)
_NOTE = text(
    """
    INSERT INTO stats.reconciliation_learner AS learner
        (run_id, user_id, event_ids, refused, corrected, orphans, progress_rows)
    VALUES (:run, :owner, cast(:events AS uuid[]), :refused, :corrected, :orphans, :progress_rows)
    ON CONFLICT (run_id, user_id) DO UPDATE SET
        event_ids = ARRAY(SELECT unnest(learner.event_ids) UNION SELECT unnest(excluded.event_ids)),
        refused = greatest(learner.refused, excluded.refused),
        corrected = learner.corrected + excluded.corrected,
        orphans = greatest(learner.orphans, excluded.orphans),
        progress_rows = learner.progress_rows + excluded.progress_rows
    """
)
