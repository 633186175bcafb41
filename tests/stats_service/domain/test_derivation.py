"""Everything derived from facts, by one function."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from operator import or_
from random import Random
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats_service.domain.badges import BadgeCatalogue
from stats_service.domain.completion import ALL_PRODUCTS, Completion
from stats_service.domain.derivation import derive
from stats_service.domain.facts import Facts, LearnerFacts
from stats_service.domain.protection import FreezeGranted
from tests.stats_service.domain.conditions import catalogues
from tests.stats_service.domain.plain import Told, plain, told
from tests.stats_service.domain.strategies import histories, persons
from tests.stats_service.facts import NOON, calendar_change, completion

NO_BADGES = BadgeCatalogue()
DAY = date(2026, 2, 18)
LEARNERS = (1, 2, 7)


def progress(
    facts: Sequence[Completion], learner: LearnerFacts | None = None, catalogue: BadgeCatalogue = NO_BADGES
) -> Told:
    """Returns what facts of one learner add up to."""
    learners = {fact.user_id: learner for fact in facts} if learner else {}
    return told(derive(Facts.of(facts), learners, catalogue))


def everybody() -> st.SearchStrategy[tuple[list[list[Completion]], list[LearnerFacts]]]:
    """Histories of several learners, some of whom have none."""
    return st.tuples(
        st.tuples(*(histories(user, most=8) for user in LEARNERS)).map(list),
        st.tuples(*(persons(user) for user in LEARNERS)).map(list),
    )


@given(histories(), persons(), catalogues(), st.randoms(use_true_random=False))
def test_facts_in_any_order_and_number_give_the_same(
    facts: list[Completion], learner: LearnerFacts, catalogue: BadgeCatalogue, random: Random
) -> None:
    shuffled = [*facts, *random.sample(facts, len(facts) // 2)]
    random.shuffle(shuffled)
    entries = [*learner.entries, *learner.entries]
    random.shuffle(entries)
    assert progress(shuffled, LearnerFacts(learner.changes, entries), catalogue) == progress(
        facts, learner, catalogue
    )


@given(histories(), persons())
def test_sums_days_and_freezes_equal_plain_ones(facts: list[Completion], learner: LearnerFacts) -> None:
    assert progress(facts, learner) == plain(facts, learner, ())


@given(everybody(), catalogues())
def test_many_people_at_once_have_what_each_has_alone(
    drawn: tuple[list[list[Completion]], list[LearnerFacts]], catalogue: BadgeCatalogue
) -> None:
    known = dict(zip(LEARNERS, drawn[1], strict=True))
    together = derive(Facts.of(fact for facts in drawn[0] for fact in facts), known, catalogue)
    alone = [
        told(derive(Facts.of(facts), {user: known[user]}, catalogue))
        for user, facts in zip(LEARNERS, drawn[0], strict=True)
    ]
    assert told(together) == reduce(or_, alone)


@given(histories(), catalogues())
def test_a_person_of_whom_nothing_else_is_known_has_what_one_without_anything_has(
    facts: list[Completion], catalogue: BadgeCatalogue
) -> None:
    assert progress(facts, None, catalogue) == progress(facts, LearnerFacts(), catalogue)


def test_nobody_and_nothing_add_up_to_nothing() -> None:
    assert told(derive(Facts.of([]), {}, NO_BADGES)) == Told()
    grant = FreezeGranted(entry_id=uuid4(), recorded_at=NOON, product="focus", day=DAY)
    assert told(derive(Facts.of([]), {1: LearnerFacts([calendar_change()], [grant])}, NO_BADGES)) == Told()


def test_only_facts_that_count_change_progress() -> None:
    abandoned = completion(local_date=DAY, counts=False, outcome="abandoned", time_zone="Asia/Tokyo")
    assert progress([abandoned]) == Told()


def test_products_count_alone_and_together() -> None:
    result = progress(
        [
            completion(local_date=DAY, product="focus", elapsed_seconds=100),
            completion(local_date=DAY, product="exercises", elapsed_seconds=20, answer_count=3),
            completion(local_date=DAY + timedelta(days=1), product="exercises", elapsed_seconds=5),
        ]
    )
    assert result.days == {
        (1, "focus", DAY): (1, 100, 0, 0),
        (1, "exercises", DAY): (1, 20, 3, 0),
        (1, "exercises", DAY + timedelta(days=1)): (1, 5, 0, 0),
    }
    assert result.standings[1, ALL_PRODUCTS] == (3, 125, 3, 0)
    assert result.practised[1, "focus"] == [DAY]
    assert result.practised[1, ALL_PRODUCTS] == [DAY, DAY + timedelta(days=1)]


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_ends_of_time_are_days(day: date) -> None:
    result = progress([completion(local_date=day, end_time=NOON), completion(local_date=DAY)])
    assert result.practised[1, "focus"] == sorted((day, DAY))


def test_facts_of_one_instant_are_ordered_by_their_ids() -> None:
    end_time = datetime(2026, 2, 18, 12, tzinfo=UTC)
    pair = sorted(
        (completion(end_time=end_time), completion(end_time=end_time)), key=lambda fact: fact.event_id
    )
    assert Facts.of(pair[::-1]).seq.tolist() == [fact.user_seq for fact in pair]


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_a_session_every_evening_is_one_run_through_a_year_of_clock_changes(zone: str) -> None:
    evenings = [
        datetime(2026, 1, 1, 23, 30, tzinfo=ZoneInfo(zone)) + timedelta(days=number) for number in range(365)
    ]
    facts = [completion(end_time=at.astimezone(UTC), local_date=at.date(), time_zone=zone) for at in evenings]
    runs = derive(Facts.of(facts), {}, NO_BADGES).runs
    assert [(first, last) for first, last in zip(runs.first.tolist(), runs.last.tolist(), strict=True)] == [
        (date(2026, 1, 1).toordinal(), date(2026, 12, 31).toordinal())
    ] * 2


def test_a_frozen_day_is_never_reinterpreted_by_a_later_zone() -> None:
    """Half past eleven in the evening of Monday in New York is Tuesday in Paris: the fact says Monday."""
    monday = completion(
        end_time=datetime(2026, 2, 17, 4, 30, tzinfo=UTC),
        local_date=date(2026, 2, 16),
        time_zone="America/New_York",
    )
    tuesday = completion(
        end_time=datetime(2026, 2, 17, 9, tzinfo=UTC), local_date=date(2026, 2, 17), time_zone="Europe/Paris"
    )
    practised = progress([monday, tuesday]).practised[1, "focus"]
    assert practised == [date(2026, 2, 16), date(2026, 2, 17)]
