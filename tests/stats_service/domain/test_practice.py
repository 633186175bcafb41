"""How much of the time that was told counts."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given

from stats_service.domain.badges import BadgeCatalogue
from stats_service.domain.completion import ALL_PRODUCTS, Completion
from stats_service.domain.derivation import derive
from stats_service.domain.facts import Facts
from tests.stats_service.domain.conditions import rule
from tests.stats_service.domain.plain import Told, told
from tests.stats_service.domain.strategies import histories
from tests.stats_service.facts import NOON, completion

DAY = date(2026, 2, 18)
FULL = 86_400


def progress(facts: list[Completion], catalogue: BadgeCatalogue | None = None) -> Told:
    return told(derive(Facts.of(facts), {}, catalogue or BadgeCatalogue()))


def lasting(passed: int, told_seconds: int, *, implausible: bool, end: datetime = NOON) -> Completion:
    """A session of so many seconds that told so many."""
    return completion(
        start_time=end - timedelta(seconds=passed),
        end_time=end,
        elapsed_seconds=told_seconds,
        implausible=implausible,
    )


@pytest.mark.parametrize(
    ("passed", "told_seconds", "implausible", "counts"),
    [
        (2, 2_147_483_647, True, 2),
        (600, 661, True, 600),
        (600, 660, False, 660),
        (600, 0, False, 0),
        # What was implausible at a pause may not be so at the end.
        (600, 300, True, 300),
        (0.9, 62, True, 0),
        (-5, 100, True, 0),
    ],
)
def test_implausible_time_counts_as_the_time_that_passed(
    passed: int, told_seconds: int, implausible: bool, counts: int
) -> None:
    fact = lasting(passed, told_seconds, implausible=implausible)
    assert fact.practised_seconds == counts
    assert progress([fact]).standings[1, ALL_PRODUCTS] == (1, counts, 0, 0)


def test_no_day_has_more_than_its_seconds_whatever_overlaps_and_in_however_many_products() -> None:
    four_hours = [
        completion(local_date=DAY, elapsed_seconds=14_400, product=product)
        for product in ("yoga", "yoga", "focus", "yoga", "focus", "yoga", "yoga", "design")
    ]
    result = progress(four_hours)
    # In the order of their ends the first six of the day fill it; the others count as sessions.
    assert result.days == {
        (1, "yoga", DAY): (5, 4 * 14_400, 0, 0),
        (1, "focus", DAY): (2, 2 * 14_400, 0, 0),
        (1, "design", DAY): (1, 0, 0, 0),
    }
    assert result.standings[1, ALL_PRODUCTS] == (8, FULL, 0, 0)


def test_a_session_over_the_edge_of_the_day_counts_in_part() -> None:
    first = completion(local_date=DAY, elapsed_seconds=FULL - 100, end_time=NOON)
    second = completion(
        local_date=DAY, elapsed_seconds=300, end_time=NOON + timedelta(hours=1), product="yoga"
    )
    other_day = completion(local_date=DAY + timedelta(days=1), elapsed_seconds=300)
    other_person = completion(local_date=DAY, elapsed_seconds=300, user_id=2)
    result = progress([second, first, other_day, other_person])
    assert result.days[1, "yoga", DAY] == (1, 100, 0, 0)
    assert result.days[1, "focus", DAY + timedelta(days=1)] == (1, 300, 0, 0)
    assert result.days[2, "focus", DAY] == (1, 300, 0, 0)


def test_badges_for_hours_are_earned_by_time_that_counts() -> None:
    catalogue = BadgeCatalogue(
        1,
        (
            rule("total.seconds > 86400", badge_id="more-than-a-day"),
            rule("total.minutes >= 1440", badge_id="a-day"),
            rule("session.seconds > 14400", badge_id="long"),
        ),
    )
    cheat = lasting(2, 2_147_483_647, implausible=True)
    assert progress([cheat], catalogue).awards == {}
    crowd = [
        completion(
            local_date=DAY,
            elapsed_seconds=14_400,
            user_seq=number,
            end_time=NOON + timedelta(seconds=number),
        )
        for number in range(2_000)
    ]
    assert progress(crowd, catalogue).awards == {(1, "a-day"): (1, 5)}


@given(histories())
def test_whatever_arrives_a_day_of_all_products_has_at_most_a_days_seconds(facts: list[Completion]) -> None:
    days: dict[date, int] = {}
    result = progress(facts)
    for (_, _, day), (_, seconds, _, _) in result.days.items():
        days[day] = days.get(day, 0) + seconds
    assert all(seconds <= FULL for seconds in days.values())
    total = result.standings.get((1, ALL_PRODUCTS), (0, 0, 0, 0))
    assert total[1] == sum(days.values())
