"""Everything derived from facts, by one function."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats_service.domain.badges import BadgeBook
from stats_service.domain.calendar import Calendar
from stats_service.domain.completion import Completion
from stats_service.domain.progress import Progress, derive, fold
from stats_service.domain.standing import Tally
from tests.stats_service.domain.strategies import books, histories
from tests.stats_service.facts import completion

NO_BADGES = BadgeBook()
DAY = date(2026, 2, 18)


@given(histories(), books(), st.randoms(use_true_random=False))
def test_facts_in_any_order_and_number_give_the_same(
    facts: list[Completion], book: BadgeBook, random: Random
) -> None:
    shuffled = [*facts, *random.sample(facts, len(facts) // 2)]
    random.shuffle(shuffled)
    assert repr_sorted(derive(shuffled, book)) == repr_sorted(derive(facts, book))


@given(histories(), books(), st.integers(0, 30))
def test_later_facts_folded_onto_earlier_ones_give_the_same_as_all_at_once(
    facts: list[Completion], book: BadgeBook, cut: int
) -> None:
    ordered = sorted(facts, key=lambda fact: fact.moment)
    step_by_step = fold(derive(ordered[:cut], book), ordered[cut:], book)
    assert repr_sorted(step_by_step) == repr_sorted(derive(facts, book))


@given(histories(), books())
def test_sums_and_days_equal_plain_sums_over_the_facts(facts: list[Completion], book: BadgeBook) -> None:
    progress = derive(facts, book)
    counted = [fact for fact in facts if fact.counts]
    for product in ("focus", "exercises", "all"):
        mine = [fact for fact in counted if product in (fact.product, "all")]
        if not mine:
            assert product not in progress.standings
            continue
        standing = progress.standings[product]
        assert standing.tally.session_count == len(mine)
        assert standing.tally.elapsed_seconds == sum(fact.elapsed_seconds for fact in mine)
        assert standing.days.count == len({fact.local_date for fact in mine})
        daily = {day: tally for (name, day), tally in progress.days.items() if name == product}
        assert daily.keys() == {fact.local_date for fact in mine}
        assert sum(tally.answer_count for tally in daily.values()) == standing.tally.answer_count


def test_folding_an_earlier_fact_is_refused() -> None:
    first, second = completion(local_date=DAY), completion(local_date=DAY + timedelta(days=1))
    with pytest.raises(ValueError, match="canonical order"):
        fold(derive([second], NO_BADGES), [first], NO_BADGES)


def test_folding_changes_nothing_it_was_given() -> None:
    before = derive([completion(local_date=DAY)], NO_BADGES)
    copy = repr_sorted(before)
    fold(before, [completion(local_date=DAY + timedelta(days=1))], NO_BADGES)
    assert repr_sorted(before) == copy


def test_only_facts_that_count_change_progress() -> None:
    abandoned = completion(local_date=DAY, counts=False, outcome="abandoned", time_zone="Asia/Tokyo")
    progress = derive([abandoned], NO_BADGES)
    assert (progress.days, progress.standings, progress.awards) == ({}, {}, {})
    assert progress.calendar == Calendar("Asia/Tokyo")
    assert progress.latest == abandoned.moment


def test_products_count_alone_and_together() -> None:
    progress = derive(
        [
            completion(local_date=DAY, product="focus", elapsed_seconds=100),
            completion(local_date=DAY, product="exercises", elapsed_seconds=20, answer_count=3),
            completion(local_date=DAY + timedelta(days=1), product="exercises", elapsed_seconds=5),
        ],
        NO_BADGES,
    )
    assert progress.days["all", DAY] == Tally(2, 120, 3, 0)
    assert progress.days["exercises", DAY] == Tally(1, 20, 3, 0)
    assert progress.standings["focus"].days.best == 1
    assert progress.standings["all"].days.best == 2


def test_the_calendar_is_that_of_the_last_fact_however_late_it_is_told() -> None:
    rome = completion(local_date=DAY, time_zone="Europe/Rome", rollover_hour=4)
    oslo = completion(local_date=DAY - timedelta(days=1), time_zone="Europe/Oslo")
    assert derive([rome, oslo], NO_BADGES).calendar == Calendar("Europe/Rome", 4)


def test_facts_of_one_instant_are_ordered_by_their_ids() -> None:
    end_time = datetime(2026, 2, 18, 12, tzinfo=UTC)
    pair = sorted(
        (completion(end_time=end_time, time_zone="Europe/Rome"), completion(end_time=end_time)),
        key=lambda fact: fact.event_id,
    )
    assert derive(pair, NO_BADGES) == derive(pair[::-1], NO_BADGES)
    assert derive(pair, NO_BADGES).latest == pair[1].moment


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_a_session_every_evening_is_one_streak_through_a_year_of_clock_changes(zone: str) -> None:
    evenings = [
        datetime(2026, 1, 1, 23, 30, tzinfo=ZoneInfo(zone)) + timedelta(days=number) for number in range(365)
    ]
    facts = [completion(end_time=at.astimezone(UTC), local_date=at.date(), time_zone=zone) for at in evenings]
    standing = derive(facts, NO_BADGES).standings["focus"]
    assert standing.days.best == standing.days.count == 365


def test_a_flight_east_over_the_date_line_repeats_a_day_and_keeps_the_streak() -> None:
    auckland, los_angeles = ZoneInfo("Pacific/Auckland"), ZoneInfo("America/Los_Angeles")
    at = [
        datetime(2026, 2, 18, 9, tzinfo=auckland),
        datetime(2026, 2, 19, 9, tzinfo=auckland),
        # Lands before it took off.
        datetime(2026, 2, 19, 8, tzinfo=los_angeles),
        datetime(2026, 2, 20, 8, tzinfo=los_angeles),
    ]
    facts = [
        completion(end_time=when.astimezone(UTC), local_date=when.date(), time_zone=str(when.tzinfo))
        for when in at
    ]
    days = derive(facts, NO_BADGES).standings["focus"].days
    assert (days.count, days.best) == (3, 3)
    assert days.streak(Calendar("America/Los_Angeles").day_of(at[-1])).current == 3


def test_a_frozen_day_is_never_reinterpreted_by_a_later_zone() -> None:
    """Half past eleven in the evening of Monday in New York is Tuesday in Paris: the fact says Monday."""
    monday = completion(
        end_time=datetime(2026, 2, 17, 4, 30, tzinfo=UTC),
        local_date=date(2026, 2, 16),
        time_zone="America/New_York",
    )
    tuesday = completion(
        end_time=datetime(2026, 2, 17, 20, tzinfo=UTC), local_date=date(2026, 2, 17), time_zone="Europe/Paris"
    )
    assert derive([monday, tuesday], NO_BADGES).standings["focus"].days.best == 2


def repr_sorted(progress: Progress) -> str:
    """The progress as text, its dictionaries in an order of their keys."""
    parts = (progress.days, progress.standings, progress.awards)
    return repr([sorted(part.items()) for part in parts]) + repr((progress.calendar, progress.latest))
