"""A stats database of one's own, and the store that writes to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, text

from service_kit.db.engines import open_engine
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.application.apply_calendar_changes import ApplyCalendarChanges
from stats_service.application.apply_completions import ApplyCompletions
from stats_service.application.applying import Applied, Delivery
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from tests.databases import create_database
from tests.stats_service.adapters.db.stored import empty
from tests.stats_service.facts import to_calendar_event, to_event

Apply = Callable[..., Applied[Completion]]
ApplyChanges = Callable[..., Applied[CalendarChange]]


@pytest.fixture(scope="session")
def reused_database_url(server_urls: tuple[str, str], worker_name: str) -> str:
    return create_database(server_urls[0], f"test_{worker_name}_stats")


@pytest.fixture
def fresh_database_url(reused_database_url: str) -> Iterator[str]:
    """As good as a new database, and much cheaper: emptied after the test, whoever is still connected."""
    yield reused_database_url
    engine = open_engine(reused_database_url, pool_size=1, application="test")
    with engine.begin() as connection:
        connection.execute(OTHERS_LEAVE)
        empty(connection)
    engine.dispose()


# Waits until each is gone, with the locks it has.
OTHERS_LEAVE = text(
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
)


@pytest.fixture
def engine(fresh_database_url: str) -> Iterator[Engine]:
    engine = open_engine(fresh_database_url, pool_size=10, application="test")
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> SqlLearnerStore:
    return SqlLearnerStore(engine, compile_condition)


@pytest.fixture
def apply(store: SqlLearnerStore) -> Apply:
    """Applies facts as one batch."""

    def apply_facts(*facts: Completion) -> Applied[Completion]:
        deliveries = [Delivery(to_event(fact).SerializeToString(), fact) for fact in facts]
        return ApplyCompletions(store)(deliveries)

    return apply_facts


@pytest.fixture
def apply_changes(store: SqlLearnerStore) -> ApplyChanges:
    """Applies changes of calendar as one batch."""

    def apply_changes(*changes: CalendarChange) -> Applied[CalendarChange]:
        deliveries = [Delivery(to_calendar_event(change).SerializeToString(), change) for change in changes]
        return ApplyCalendarChanges(store)(deliveries)

    return apply_changes
