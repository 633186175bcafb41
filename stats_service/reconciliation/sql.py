"""Runs as the server keeps them: asynchronous."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from stats_service.adapters.db.tables import reconciliation
from stats_service.reconciliation.ports import (
    ReconciledLearner,
    Reconciliation,
    Request,
    RunStore,
    Whom,
)
from stats_service.reconciliation.rows import ARRIVED, WHOLE, counts_from_row, reconciliation_from_row


class SqlRunStore(RunStore):
    """Runs, in PostgreSQL, as the server has them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    async def open(self, request: Request) -> UUID:
        run = reconciliation.c
        asked = {
            "whom": request.whom.value,
            "user_ids": list(request.user_ids),
            "deep": request.deep,
            "settle": request.settle,
            "on_demand": True,
        }
        same = [run[name] == value for name, value in asked.items()]
        unfinished = select(run.run_id).where(run.finished_at.is_(None), *same).limit(1)
        async with self._engine.begin() as connection:
            found: UUID | None = (await connection.execute(unfinished)).scalar_one_or_none()
            if found is not None:
                return found
            made = uuid4()
            await connection.execute(insert(reconciliation).values(run_id=made, **asked))
            return made

    @override
    async def find(self, run_id: UUID | None) -> Reconciliation | None:
        run = reconciliation.c
        wanted = select(reconciliation).order_by(run.created_at.desc()).limit(1)
        if run_id is not None:
            wanted = wanted.where(run.run_id == run_id)
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            row = (await connection.execute(wanted)).one_or_none()
            if row is None:
                return None
            sums = (await connection.execute(_SUMS, {"run": row.run_id})).one()
            return reconciliation_from_row(row, await _learners(connection, row), sums)

    @override
    async def learners(self, run_id: UUID, after_user_id: int, limit: int) -> Sequence[ReconciledLearner]:
        values = {"run": run_id, "after": after_user_id, "limit": limit}
        async with self._engine.connect() as connection:
            found = await connection.execute(_LEARNERS, values)
            return [ReconciledLearner(row.user_id, counts_from_row(row), row.whole) for row in found]


async def _learners(connection: AsyncConnection, row: Any) -> int:
    """Returns about how many learners a run has to compare; 0 when nobody knows."""
    if row.whom == Whom.USERS.value:
        return len(row.user_ids)
    if row.whom == Whom.RECENT.value:
        return 0
    return int((await connection.execute(_EVERYBODY)).scalar_one())


_EVERYBODY = text("SELECT count(*) FROM stats.learner")

_LEARNER = f"""
    SELECT user_id, cardinality(event_ids) AS republished, {ARRIVED} AS arrived, refused, corrected, orphans,
        progress_rows, {WHOLE} AS whole
    FROM stats.reconciliation_learner AS learner WHERE run_id = :run
"""  # noqa: S608

_LEARNERS = text(f"{_LEARNER} AND user_id > :after ORDER BY user_id LIMIT :limit")

_SUMS = text(
    f"""
    SELECT count(*) AS different, count(*) FILTER (WHERE whole) AS whole,
        coalesce(sum(republished), 0)::bigint AS republished, coalesce(sum(arrived), 0)::bigint AS arrived,
        coalesce(sum(refused), 0)::bigint AS refused, coalesce(sum(corrected), 0)::bigint AS corrected,
        coalesce(sum(orphans), 0)::bigint AS orphans,
        coalesce(sum(progress_rows), 0)::bigint AS progress_rows
    FROM ({_LEARNER}) AS learner
    """  # noqa: S608
)
