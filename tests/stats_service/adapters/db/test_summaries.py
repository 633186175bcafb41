"""Sums by day, product and hour, recounted from the facts alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from service_kit.db.engines import open_async_engine
from stats_service.adapters.db.summaries import SqlSummaryReader
from stats_service.domain.completion import Completion
from stats_service.domain.periods import periods_between
from stats_service.domain.standing import Tally
from stats_service.domain.summaries import best_hours, summaries
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion

FIRST, LAST = date(2026, 12, 1), date(2027, 1, 31)


@pytest.fixture
async def reader(fresh_database_url: str) -> AsyncIterator[SqlSummaryReader]:
    engine = open_async_engine(fresh_database_url, pool_size=1, application="test")
    yield SqlSummaryReader(engine)
    await engine.dispose()


def practice(chance: random.Random) -> list[Completion]:
    """Returns what learner 1 practised around a new year, and some of learner 2's."""
    return [
        completion(
            user_id=1 if number % 5 else 2,
            user_seq=number + 1,
            local_date=FIRST + timedelta(days=chance.randint(-20, 80)),
            local_minute=chance.randint(0, 1439),
            product=chance.choice(("focus", "yoga")),
            elapsed_seconds=chance.randint(0, 3_000),
            answer_count=10,
            correct_answer_count=chance.randint(0, 10),
            counts=chance.random() < 0.9,
        )
        for number in range(200)
    ]


def tally_of(facts: list[Completion]) -> Tally:
    return Tally(
        len(facts),
        sum(fact.elapsed_seconds for fact in facts),
        sum(fact.answer_count for fact in facts),
        sum(fact.correct_answer_count for fact in facts),
    )


@pytest.mark.parametrize("product", ["all", "yoga"])
async def test_summaries_and_hours_are_what_the_facts_say(
    reader: SqlSummaryReader, apply: Apply, product: str
) -> None:
    everything = practice(random.Random(5))
    apply(*everything)
    facts = [
        fact for fact in everything if fact.user_id == 1 and fact.counts and product in ("all", fact.product)
    ]

    weeks = list(periods_between("week", FIRST, LAST))
    days = await reader.days_by_product(1, product, weeks[0].first - timedelta(days=7), weeks[-1].last)
    for told in summaries(weeks, days):
        mine = [fact for fact in facts if told.period.first <= fact.local_date <= told.period.last]
        assert told.tally == tally_of(mine)
        assert told.day_count == len({fact.local_date for fact in mine})
        assert {name: part.session_count for name, part in told.products} == Counter(
            fact.product for fact in mine
        )

    span = [fact for fact in facts if FIRST <= fact.local_date <= LAST]
    hours = best_hours(await reader.hours(1, product, FIRST, LAST))
    for hour in range(24):
        mine = [fact for fact in span if fact.local_minute // 60 == hour]
        assert hours.hours[hour] == tally_of(mine)
        for weekday in range(7):
            assert hours.weekdays[weekday][hour] == tally_of(
                [fact for fact in mine if fact.local_date.weekday() == weekday]
            )


async def test_who_has_not_practised_has_no_rows(reader: SqlSummaryReader) -> None:
    assert list(await reader.days_by_product(7, "all", FIRST, LAST)) == []
    assert list(await reader.hours(7, "focus", FIRST, LAST)) == []
