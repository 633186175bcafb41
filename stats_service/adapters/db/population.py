"""Everybody's facts, read by the shard: without a lock, and in transactions that cannot write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, Select, func, select
from typing_extensions import override

from stats_service.adapters.db import badge_statements, rows
from stats_service.adapters.db.fact_columns import FactColumns
from stats_service.adapters.db.learner_store import faults_understood, read_learner_facts
from stats_service.adapters.db.tables import badge_definition, learner
from stats_service.application.ports.badges import CompileCondition, Population, Shard
from stats_service.domain.badges import BadgeVersion

# What a shard may hold: about 30 MB while it is read and derived from. Somebody
# with more facts is a shard alone.
_MOST_LEARNERS = 2_000
MOST_FACTS = 100_000


class SqlPopulation(Population):
    """Reads everybody's facts from PostgreSQL."""

    def __init__(self, engine: Engine, compile_condition: CompileCondition) -> None:
        # One snapshot a transaction: a shard is read in several statements.
        self._engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._compile = compile_condition
        self._columns = FactColumns()

    @override
    def size(self) -> int:
        with faults_understood(), self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(learner)).scalar_one()

    @override
    def versions(self, badge_id: str) -> Sequence[BadgeVersion]:
        mine = badge_statements.every_version().where(badge_definition.c.badge_id == badge_id)
        with faults_understood(), self._engine.connect() as connection:
            return tuple(rows.versions_from_rows(connection.execute(mine).all(), self._compile))

    @override
    def shard(self, after_user_id: int, most: int, texts: frozenset[str]) -> Shard | None:
        with faults_understood(), self._engine.connect() as connection:
            users = connection.execute(_next_learners(after_user_id, most)).scalars().all()
            if not users:
                return None
            whose = f"user_id BETWEEN {users[0]} AND {users[-1]}"
            facts = self._columns.read(connection, whose, texts)
            return Shard(users, facts, read_learner_facts(connection, users))


def _next_learners(after_user_id: int, most: int) -> Select[Any]:
    """Returns learners by number, as many as have few enough facts together, and one at least."""
    ahead = (
        select(learner.c.user_id, learner.c.applied_through)
        .where(learner.c.user_id > after_user_id)
        .order_by(learner.c.user_id)
        .limit(min(most, _MOST_LEARNERS))
    )
    return badge_statements.with_few_facts(ahead, MOST_FACTS)
