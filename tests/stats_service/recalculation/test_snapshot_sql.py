"""What was saved has the digest of what is stored."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine, insert, select

from stats_service.adapters.db import learner_store
from stats_service.adapters.db.fact_columns import driver_of
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.adapters.db.rows import entry_to_row
from stats_service.adapters.db.tables import learner, streak_entry
from stats_service.application.ingest import rederive
from stats_service.domain.completion import Completion
from stats_service.domain.digest import digests
from stats_service.domain.facts import LearnerFacts
from stats_service.domain.protection import PauseCancelled
from stats_service.recalculation.snapshot_sql import DerivedColumns
from tests.stats_service.domain.strategies import histories, persons
from tests.stats_service.facts import new_user


@pytest.mark.parametrize("many", [0, learner_store.MANY_ROWS], ids=["by copy", "by statement"])
@settings(suppress_health_check=list(HealthCheck))
@given(facts=histories(), others=persons())
def test_what_was_saved_has_the_digest_of_the_rows_that_are_stored(
    engine: Engine,
    store: SqlLearnerStore,
    monkeypatch: pytest.MonkeyPatch,
    many: int,
    facts: list[Completion],
    others: LearnerFacts,
) -> None:
    monkeypatch.setattr(learner_store, "MANY_ROWS", many)
    user = new_user()
    entries = [
        {**entry_to_row(user, replace(entry, entry_id=uuid4())), "recorded_at": entry.recorded_at}
        for entry in others.entries
        if not isinstance(entry, PauseCancelled)
    ]
    with engine.begin() as connection:
        for entry in entries:
            connection.execute(insert(streak_entry).values(entry))
    with store.work_on([user]) as work:
        if facts:
            work.add([replace(fact, user_id=user, event_id=uuid4(), session_id=new_user()) for fact in facts])
        rederive(work)
        work.commit()
    with engine.connect() as connection:
        rows = DerivedColumns().read(driver_of(connection), f"user_id = {user}")
        saved = connection.execute(select(learner.c.progress_digest).where(learner.c.user_id == user))
        assert (digests(rows)[1].tolist() or [0]) == [saved.scalar_one()]
