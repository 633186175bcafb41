"""Facts that are read by the column are the facts that were stored."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from service_kit.db.engines import open_engine
from stats_service.adapters.db import fact_statements, rows, saving_statements
from stats_service.adapters.db.fact_columns import FactColumns
from stats_service.domain.completion import Completion
from stats_service.domain.facts import Facts
from tests.stats_service.facts import completion

TEXTS = ("outcome", "mode", "content")
LONGEST = 2**31 - 1
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shared_engine(database_url: str) -> Iterator[Engine]:
    """On the process's own database: nothing here is ever committed."""
    engine = open_engine(database_url, pool_size=1, application="test")
    yield engine
    engine.dispose()


INSTANTS = st.one_of(
    st.sampled_from(
        [
            datetime.min.replace(tzinfo=UTC),
            datetime.max.replace(tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
            datetime(2000, 1, 1, tzinfo=UTC),
            datetime(1999, 12, 31, 23, 59, 59, 999_999, UTC),
        ]
    ),
    st.datetimes(timezones=st.just(UTC)),
)
CALENDARS = st.tuples(
    st.sampled_from(
        ["UTC", "Europe/Paris", "Asia/Kolkata", "Moon/Tycho", "posix/Europe/Paris", "", "é" * 999]
    ),
    st.integers(0, 23),
)
# What starts before an end, or after it where a device told so.
EARLY = datetime(1, 2, 1, tzinfo=UTC)
AGO = st.sampled_from(
    [timedelta(), timedelta(hours=1), timedelta(days=20, microseconds=1), timedelta(microseconds=1)]
)
WORDS = st.sampled_from(["", "review", "ünï", "x" * 1_000, "🌱"])


@st.composite
def odd_completions(draw: st.DrawFn) -> Completion:
    """Facts at the ends of what their columns hold."""
    number = next(_numbers)
    end_time = draw(INSTANTS)
    time_zone, rollover_hour = draw(CALENDARS)
    answers = draw(st.integers(0, LONGEST))
    return Completion(
        event_id=uuid.UUID(int=draw(st.integers(0, 255)) << 120 | number),
        user_id=draw(st.sampled_from([1, 2, 2**31, 2**63 - 1])),
        user_seq=draw(st.sampled_from([0, 2**40])) + number,
        session_id=2**62 + number,
        product=draw(st.sampled_from(["focus", "exercises", "p" * 40, "a-b_9"])),
        outcome=draw(st.sampled_from(["completed", "partial", "abandoned"])),
        counts=draw(st.booleans()),
        start_time=max(end_time, EARLY) - draw(AGO),
        end_time=end_time,
        time_zone=time_zone,
        rollover_hour=rollover_hour,
        local_date=draw(st.sampled_from([date.min, date.max, date(2000, 1, 1)]) | st.dates()),
        elapsed_seconds=draw(st.integers(0, LONGEST) | st.just(2**62)),
        implausible=draw(st.booleans()),
        synced=draw(st.booleans()),
        answer_count=answers,
        correct_answer_count=draw(st.integers(0, answers)),
        content=draw(WORDS),
        mode=draw(WORDS),
        local_minute=draw(st.integers(0, 1439)),
    )


def read(
    connection: Connection, facts: Sequence[Completion], texts: Sequence[str], columns: FactColumns
) -> Facts:
    """Stores facts and reads them."""
    if facts:
        saving_statements.run_together(
            connection, [(fact_statements.add_facts(), rows.completions_to_columns(facts))]
        )
    users = ", ".join(str(fact.user_id) for fact in facts)
    return columns.read(connection, f"user_id IN ({users})" if facts else "false", texts)


def spoken(facts: Facts) -> list[tuple[Any, ...]]:
    """Every row of every column, products and calendars by their names."""
    columns = (getattr(facts, name).tolist() for name in Facts.__slots__[:-2])
    names = {"product": facts.products, "calendar": facts.calendars}
    return [
        tuple(
            names[name][value] if name in names else value
            for name, value in zip(Facts.__slots__, row, strict=False)
        )
        for row in zip(*columns, strict=True)
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    facts=st.lists(odd_completions(), max_size=12),
    texts=st.lists(st.sampled_from(TEXTS), unique=True),
)
def test_columns_read_are_those_of_the_facts_stored(
    shared_engine: Engine, facts: list[Completion], texts: list[str]
) -> None:
    with shared_engine.connect() as connection:
        found = read(connection, facts, texts, FactColumns())
    unread: dict[str, Any] = {name: "" for name in TEXTS if name not in texts}
    expected = Facts.of(replace(fact, **unread) for fact in facts)
    assert spoken(found) == spoken(expected)
    assert found.products == expected.products
    assert set(found.calendars) == set(expected.calendars)
    assert all(getattr(found, name).dtype == getattr(expected, name).dtype for name in Facts.__slots__[:-2])


def test_what_was_learnt_of_texts_serves_other_people_and_new_texts(shared_engine: Engine) -> None:
    columns = FactColumns()
    with shared_engine.connect() as connection:
        ours = completion(user_id=901, product="yoga", time_zone="Moon/Tycho")
        assert read(connection, [ours], (), columns).products == ("yoga",)
        theirs = [
            completion(user_id=902, product="focus", time_zone="Moon/Copernicus", rollover_hour=4),
            completion(user_id=902, product="yoga", end_time=ours.end_time + timedelta(days=1)),
        ]
        found = read(connection, theirs, TEXTS, columns)
        assert found.products == ("focus", "yoga")
        assert spoken(found) == spoken(Facts.of(theirs))
