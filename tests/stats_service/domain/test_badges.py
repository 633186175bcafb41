"""What earns a badge, and what a changed definition changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given

from stats_service.domain.badges import METRICS, Award, BadgeBook, BadgeVersion
from stats_service.domain.completion import Completion
from stats_service.domain.progress import derive
from tests.stats_service.domain.strategies import books, histories
from tests.stats_service.facts import completion

DAY = date(2026, 2, 1)


def rule(threshold: int, metric: str = "sessions", **changes: Any) -> BadgeVersion:
    fields: dict[str, Any] = {"badge_id": "badge", "version": 1, "product": "focus"}
    return BadgeVersion(**{**fields, **changes}, metric=metric, threshold=threshold)


def daily(count: int, **changes: Any) -> list[Completion]:
    return [completion(local_date=DAY + timedelta(days=number), **changes) for number in range(count)]


def midnight(day_number: int) -> datetime:
    """The start of the day of daily()'s fact with this number."""
    return datetime.combine(DAY + timedelta(days=day_number), time(), UTC)


def award(facts: list[Completion], *versions: BadgeVersion) -> Award | None:
    return derive(facts, BadgeBook(1, versions)).awards.get("badge")


def test_the_first_completion_that_reaches_the_threshold_earns_the_badge() -> None:
    facts = daily(5)
    earned = award(facts, rule(3))
    assert earned == Award("badge", 1, facts[2].event_id, facts[2].session_id, facts[2].end_time)
    assert award(facts[:2], rule(3)) is None


def test_a_fact_told_late_moves_the_award_to_where_it_belongs() -> None:
    facts = daily(4)
    without_second = [facts[0], facts[2], facts[3]]
    told = award(without_second, rule(3))
    assert told is not None
    assert told.event_id == facts[3].event_id
    corrected = award([*without_second, facts[1]], rule(3))
    assert corrected is not None
    assert corrected.event_id == facts[2].event_id


@pytest.mark.parametrize(
    ("metric", "threshold", "index"),
    [
        ("sessions", 2, 1),
        ("seconds", 3001, 2),
        ("days", 3, 2),
        ("answers", 11, 1),
        ("correct_answers", 11, 2),
        ("best_streak", 4, 3),
    ],
)
def test_every_metric_counts_what_it_says(metric: str, threshold: int, index: int) -> None:
    facts = daily(5, elapsed_seconds=1500, answer_count=10, correct_answer_count=5)
    earned = award(facts, rule(threshold, metric))
    assert earned is not None
    assert earned.event_id == facts[index].event_id


def test_a_badge_over_all_products_counts_all_and_one_of_a_product_only_its_own() -> None:
    facts = [*daily(2, product="focus"), *daily(2, product="exercises")]
    assert award(facts, rule(3)) is None
    assert award(facts, rule(3, product="all")) is not None


def test_a_harder_version_takes_no_badge_away_and_gives_none_for_the_old_threshold() -> None:
    facts = daily(6)
    replaced = (rule(3, until=midnight(4)), rule(10, version=2))
    held = award(facts, *replaced)
    assert held is not None
    assert (held.version, held.event_id) == (1, facts[2].event_id)
    too_late = (rule(5, until=midnight(4)), rule(10, version=2))
    assert award(facts, *too_late) is None


def test_a_session_from_before_a_change_counts_by_the_old_version_even_if_told_after_it() -> None:
    facts = daily(3)
    versions = (rule(3, until=midnight(3)), rule(10, version=2))
    assert award(facts[:2], *versions) is None
    assert award(facts, *versions) is not None


def test_an_easier_version_gives_the_badge_from_the_day_it_was_met() -> None:
    facts = daily(4)
    earned = award(facts, rule(10, until=midnight(30)), rule(2, version=2))
    assert earned is not None
    assert (earned.version, earned.award_time) == (2, facts[1].end_time)


def test_an_easier_version_does_not_move_the_day_of_who_had_the_badge() -> None:
    facts = daily(6)
    before = award(facts, rule(4))
    assert award(facts, rule(4, until=midnight(30)), rule(2, version=2)) == before


def test_who_met_several_thresholds_at_once_has_all_of_them() -> None:
    one = completion(local_date=DAY, elapsed_seconds=100_000)
    versions = [rule(number, "seconds", badge_id=f"badge-{number}") for number in (1, 50, 99_999, 100_001)]
    assert set(derive([one], BadgeBook(1, tuple(versions))).awards) == {"badge-1", "badge-50", "badge-99999"}


@given(histories(), books())
def test_awards_equal_a_plain_search_through_every_prefix(facts: list[Completion], book: BadgeBook) -> None:
    ordered = sorted(facts, key=lambda fact: fact.moment)
    assert derive(facts, book).awards == plain_awards(ordered, book)


def plain_awards(ordered: list[Completion], book: BadgeBook) -> dict[str, Award]:
    """For every version, the first prefix that meets it; of every badge, the lowest version met."""
    found: dict[str, Award] = {}
    for version in sorted(book.versions, key=lambda version: version.version):
        earned = first_meeting(ordered, version, METRICS[version.metric])
        if earned is not None and version.badge_id not in found:
            found[version.badge_id] = Award(
                version.badge_id, version.version, earned.event_id, earned.session_id, earned.end_time
            )
    return found


def first_meeting(
    ordered: list[Completion], version: BadgeVersion, metric: Callable[[Any], int]
) -> Completion | None:
    for position, fact in enumerate(ordered, start=1):
        standings = derive(ordered[:position], BadgeBook()).standings
        standing = standings.get(version.product)
        if standing is not None and metric(standing) >= version.threshold:
            in_force = version.until is None or fact.end_time < version.until
            return fact if in_force else None
    return None
