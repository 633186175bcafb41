"""A backfill gets on whatever learners have: broken facts, or very many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, text

from stats_service.adapters.db import badge_statements
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.application.backfill import BackfillBadges
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion, history

DAYS = [date(2026, 2, 1) + timedelta(days=number) for number in range(5)]


def holders(engine: Engine) -> Sequence[int]:
    with engine.connect() as connection:
        awarded = text("SELECT user_id FROM stats.awarded_badge ORDER BY user_id")
        return connection.execute(awarded).scalars().all()


async def test_nobody_waits_for_somebody_whose_progress_cannot_be_derived(
    apply: Apply, store: SqlLearnerStore, engine: Engine, fresh_database_url: str
) -> None:
    for user_id in (1, 2, 3):
        apply(completion(user_id=user_id))
    await publish(fresh_database_url, badge("first", 1))
    # PostgreSQL knows this day, Python does not.
    with engine.begin() as connection:
        connection.execute(text("UPDATE stats.completion SET local_date = '20000-01-01' WHERE user_id = 2"))
    assert BackfillBadges(store)() is None
    assert holders(engine) == [1, 3]
    assert store.outdated(0, 10) == [2], "tried again the next time"
    with engine.begin() as connection:
        connection.execute(text("UPDATE stats.completion SET local_date = '2026-02-18' WHERE user_id = 2"))
    assert BackfillBadges(store)() is None
    assert holders(engine) == [1, 2, 3]


async def test_people_with_many_sessions_are_brought_up_to_date_a_few_at_a_time(
    apply: Apply, store: SqlLearnerStore, fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user_id in (1, 2, 3, 4):
        apply(*history(user_id, DAYS[: 5 if user_id == 2 else 2]))
    await publish(fresh_database_url, badge("first", 1))
    monkeypatch.setattr(badge_statements, "MOST_FACTS", 4)
    assert store.outdated(0, 10) == [1, 2]
    assert store.outdated(1, 10) == [2]
    assert store.outdated(2, 10) == [3, 4]
