"""Shards as the worker takes, runs and concludes them: synchronous.

Whoever runs a shard holds an advisory lock of its session, which ends with
the process however that ends. So a shard that was begun and whose lock is
free has lost its runner, and no clock has to be believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, TextClause, and_, func, insert, select, text, update
from typing_extensions import override

from stats_service.adapters.db.learner_store import CatalogueCache, faults_understood
from stats_service.adapters.db.tables import recalculation, recalculation_difference, recalculation_shard
from stats_service.application.ports.badges import CompileCondition
from stats_service.recalculation.ports import ClaimedShard, Outcome, Shard, ShardSnapshot, ShardStore
from stats_service.recalculation.rows import scope_from_json, summed_to_json, user_difference_to_row
from stats_service.recalculation.snapshot_sql import Readers, SqlShardSnapshot

MOST_ATTEMPTS = 10
# A message that comes back by itself does so within this time.
_GRACE = timedelta(seconds=5)
_LONGEST_ERROR = 1_000
_SILENT = "its worker ended again and again without a word"


class SqlShardStore(ShardStore):
    """Shards in PostgreSQL."""

    def __init__(self, engine: Engine, compile_condition: CompileCondition) -> None:
        self._engine = engine
        # One snapshot a transaction, and none that could write.
        self._reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._readers = Readers(CatalogueCache(compile_condition))

    @contextmanager
    @override
    def claim(self, job_id: UUID, number: int) -> Iterator[ClaimedShard | None]:
        with self._held(f"{job_id}/{number}") as connection:
            row = connection and connection.execute(_begin(job_id, number)).one_or_none()
            if connection is None or row is None:
                yield None
                return
            connection.commit()
            yield SqlClaimedShard(connection, _shard_from_row(row))

    @contextmanager
    @override
    def snapshot(self, shard: Shard) -> Iterator[ShardSnapshot]:
        with faults_understood(), self._reading.connect() as connection:
            yield SqlShardSnapshot(connection, self._readers, shard)

    @override
    def abandoned(self, *, quiet_seconds: float, most: int) -> Sequence[tuple[UUID, int]]:
        values = {"grace": _GRACE, "quiet": timedelta(seconds=quiet_seconds), "most": most}
        with faults_understood(), self._engine.begin() as connection:
            connection.execute(_FAIL, {"most_attempts": MOST_ATTEMPTS, "silent": _SILENT})
            connection.execute(_FINISH_FAILED)
            return [(row.job_id, row.number) for row in connection.execute(_ABANDONED, values)]

    @contextmanager
    @override
    def alone(self, errand: str) -> Iterator[bool]:
        with self._held(errand) as connection:
            yield connection is not None

    @contextmanager
    def _held(self, name: str) -> Iterator[Connection | None]:
        """Holds the lock of a name outside of any transaction; None when somebody else does."""
        with faults_understood(), self._engine.connect() as connection:
            held = connection.execute(_TRY, {"name": name}).scalar_one()
            connection.commit()
            try:
                yield connection if held else None
            finally:
                if held and not connection.invalidated:
                    connection.rollback()
                    connection.execute(_RELEASE, {"name": name})
                    connection.commit()


class SqlClaimedShard(ClaimedShard):
    """A shard on the connection that holds its lock."""

    def __init__(self, connection: Connection, shard: Shard) -> None:
        self._connection = connection
        self._shard = shard

    @property
    @override
    def shard(self) -> Shard:
        return self._shard

    @override
    def conclude(self, outcome: Outcome) -> None:
        job = self._shard.job_id
        # Two that end at once would each see the other's as pending.
        self._connection.execute(select(recalculation).where(recalculation.c.job_id == job).with_for_update())
        self._connection.execute(
            update(recalculation_shard)
            .where(self._mine())
            .values(
                state="done" if outcome.finished else "pending",
                finished_at=func.clock_timestamp() if outcome.finished else None,
                # What is left is sent again by whoever ran it.
                sent_at=func.clock_timestamp(),
                # It got on: what is left is not what failed before.
                attempts=0,
                last_error="",
                learners=outcome.learners,
                completions=outcome.completions,
                learners_wrong=recalculation_shard.c.learners_wrong + outcome.wrong,
                changed_rows=recalculation_shard.c.changed_rows + outcome.changed_rows,
                differences=summed_to_json(outcome.summed),
            )
        )
        if outcome.differences:
            rows = [{"job_id": job, **user_difference_to_row(each)} for each in outcome.differences]
            self._connection.execute(insert(recalculation_difference), rows)
        self._connection.execute(_FINISH, {"job": job})
        self._connection.commit()

    @override
    def fail(self, reason: str) -> None:
        self._connection.rollback()
        failed = update(recalculation_shard).where(self._mine()).values(last_error=reason[:_LONGEST_ERROR])
        self._connection.execute(failed)
        self._connection.commit()

    def _mine(self) -> Any:
        return and_(
            recalculation_shard.c.job_id == self._shard.job_id,
            recalculation_shard.c.number == self._shard.number,
        )


def _begin(job_id: UUID, number: int) -> Any:
    """Marks a pending shard of a job in force as begun, and returns it with its job."""
    shard = recalculation_shard.c
    return (
        update(recalculation_shard)
        .where(
            shard.job_id == job_id,
            shard.number == number,
            shard.state == "pending",
            recalculation.c.job_id == shard.job_id,
            recalculation.c.cancelled_at.is_(None),
        )
        .values(started_at=func.clock_timestamp(), attempts=shard.attempts + 1)
        .returning(
            *(shard.job_id, shard.number, shard.first_user, shard.last_user),
            *(recalculation.c.scope, recalculation.c.shadow, recalculation.c.deep),
        )
    )


def _shard_from_row(row: Any) -> Shard:
    return Shard(
        *(row.job_id, row.number, row.first_user, row.last_user),
        scope_from_json(row.scope),
        row.shadow,
        row.deep,
    )


_KEY = "hashtextextended('stats.recalculation/' || {}, 0)"
_TRY = text(f"SELECT pg_try_advisory_lock({_KEY.format(':name')})")
_RELEASE = text(f"SELECT pg_advisory_unlock({_KEY.format(':name')})")

# Tells whether nobody runs a shard. A lock that could be taken is released with the transaction.
_SHARD_KEY = _KEY.format("shard.job_id || '/' || shard.number")
_FREE = f"pg_try_advisory_xact_lock({_SHARD_KEY})"

_FINISH = text(
    """
    UPDATE stats.recalculation SET finished_at = clock_timestamp()
    WHERE job_id = :job AND finished_at IS NULL AND NOT EXISTS (
        SELECT FROM stats.recalculation_shard AS shard WHERE shard.job_id = :job AND shard.state = 'pending'
    )
    """
)


def _of_open_jobs(statement: str) -> TextClause:
    return text(
        statement.replace(
            "OPEN_JOBS",
            "SELECT job_id FROM stats.recalculation WHERE finished_at IS NULL AND cancelled_at IS NULL",
        ).replace("NOBODY_RUNS_IT", _FREE)
    )


_FAIL = _of_open_jobs(
    """
    WITH worn AS MATERIALIZED (
        SELECT * FROM stats.recalculation_shard
        WHERE state = 'pending' AND attempts >= :most_attempts AND job_id IN (OPEN_JOBS)
    )
    UPDATE stats.recalculation_shard AS target SET state = 'failed', finished_at = clock_timestamp(),
        last_error = coalesce(nullif(target.last_error, ''), :silent)
    FROM worn AS shard
    WHERE target.job_id = shard.job_id AND target.number = shard.number AND NOBODY_RUNS_IT
    """
)
_FINISH_FAILED = _of_open_jobs(
    """
    UPDATE stats.recalculation AS job SET finished_at = clock_timestamp()
    WHERE job_id IN (OPEN_JOBS) AND NOT EXISTS (
        SELECT FROM stats.recalculation_shard AS shard
        WHERE shard.job_id = job.job_id AND shard.state = 'pending'
    )
    """
)
_ABANDONED = _of_open_jobs(
    """
    WITH quiet AS (
        SELECT job_id FROM stats.recalculation_shard WHERE job_id IN (OPEN_JOBS) GROUP BY job_id
        HAVING max(greatest(sent_at, started_at, finished_at)) < clock_timestamp() - cast(:quiet AS interval)
    ), suspected AS MATERIALIZED (
        SELECT shard.* FROM stats.recalculation_shard AS shard
        WHERE state = 'pending' AND job_id IN (OPEN_JOBS) AND (
            sent_at IS NULL
            OR started_at > sent_at AND started_at < clock_timestamp() - cast(:grace AS interval)
            OR job_id IN (SELECT job_id FROM quiet)
        )
        ORDER BY job_id, number LIMIT :most
    )
    UPDATE stats.recalculation_shard AS target SET sent_at = clock_timestamp()
    FROM suspected AS shard
    WHERE target.job_id = shard.job_id AND target.number = shard.number AND NOBODY_RUNS_IT
    RETURNING target.job_id, target.number
    """
)
