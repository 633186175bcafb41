"""A stats database of one's own, and the store that writes to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from service_kit.db.engines import open_engine
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.application.apply_completions import Applied, ApplyCompletions, Delivery
from stats_service.domain.completion import Completion
from tests.stats_service.facts import to_event

Apply = Callable[..., Applied]


@pytest.fixture
def engine(fresh_database_url: str) -> Iterator[Engine]:
    engine = open_engine(fresh_database_url, pool_size=10, application="test")
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> SqlLearnerStore:
    return SqlLearnerStore(engine)


@pytest.fixture
def apply(store: SqlLearnerStore) -> Apply:
    """Applies facts as one batch."""

    def apply_facts(*facts: Completion) -> Applied:
        deliveries = [Delivery(to_event(fact).SerializeToString(), fact) for fact in facts]
        return ApplyCompletions(store)(deliveries)

    return apply_facts
