"""What earns a badge, and what a changed definition changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given

from stats_service.domain.badges import BadgeCatalogue, BadgeVersion
from stats_service.domain.completion import Completion
from stats_service.domain.derivation import derive
from stats_service.domain.facts import Facts, LearnerFacts
from stats_service.domain.protection import PlannedPause
from tests.stats_service.domain.conditions import asked_only, catalogues, rule
from tests.stats_service.domain.plain import plain, told
from tests.stats_service.domain.strategies import histories, persons
from tests.stats_service.facts import NOON, calendar_change, completion

DAY = date(2026, 2, 1)


def sessions(threshold: int, **changes: Any) -> BadgeVersion:
    return rule(f"focus.sessions >= {threshold}", **changes)


def daily(count: int, **changes: Any) -> list[Completion]:
    return [completion(local_date=DAY + timedelta(days=number), **changes) for number in range(count)]


def midnight(day_number: int) -> datetime:
    """The start of the day of daily()'s fact with this number."""
    return datetime.combine(DAY + timedelta(days=day_number), time(), UTC)


def award(
    facts: list[Completion], *versions: BadgeVersion, learner: LearnerFacts | None = None
) -> int | None:
    """Returns the number of the fact that earns the badge, from 0."""
    earned = given_by(facts, *versions, learner=learner)
    return earned[1] if earned else None


def given_by(
    facts: list[Completion], *versions: BadgeVersion, learner: LearnerFacts | None = None
) -> tuple[int, int] | None:
    """Returns the version that gives the badge, and the number of the fact."""
    catalogue = BadgeCatalogue(1, versions)
    learners = {1: learner} if learner else {}
    found = told(derive(Facts.of(facts), learners, catalogue)).awards.get((1, "badge"))
    numbers = {fact.user_seq: number for number, fact in enumerate(facts)}
    return (found[0], numbers[found[1]]) if found else None


def test_the_first_completion_that_reaches_the_threshold_earns_the_badge() -> None:
    facts = daily(5)
    assert award(facts, sessions(3)) == 2
    assert award(facts[:2], sessions(3)) is None


def test_a_fact_told_late_moves_the_award_to_where_it_belongs() -> None:
    facts = daily(4)
    told_late = [facts[0], facts[2], facts[3], facts[1]]
    assert award(told_late[:3], sessions(3)) == 2
    assert award(told_late, sessions(3)) == 1, "the third in order"


@pytest.mark.parametrize(
    ("condition", "number"),
    [
        ("focus.sessions >= 2", 1),
        ("focus.seconds >= 3001", 2),
        ("focus.minutes >= 50", 1),
        ("focus.days >= 3", 2),
        ("focus.answers >= 11", 1),
        ("focus.correct_answers >= 11", 2),
        ("focus.best_streak >= 4", 3),
        ("session.hour == 12 && focus.sessions > 1", 1),
        ("session.weekday == 1", 2),
        ('session.product == "focus" && session.accuracy == 50', 0),
        ("focus.sessions == 2 || focus.sessions == 4", 1),
        ("!(focus.days < 5)", 4),
        ("yoga.sessions == 0 && total.days == 4", 3),
    ],
)
def test_every_variable_is_what_it_says(condition: str, number: int) -> None:
    facts = daily(5, elapsed_seconds=1500, answer_count=10, correct_answer_count=5, local_minute=12 * 60 + 59)
    assert award(facts, rule(condition)) == number


def test_a_badge_over_all_products_counts_all_and_one_of_a_product_only_its_own() -> None:
    facts = [*daily(2, product="focus"), *daily(2, product="exercises")]
    assert award(facts, sessions(3)) is None
    assert award(facts, rule("total.sessions >= 3")) is not None


def test_what_does_not_count_neither_adds_to_a_badge_nor_earns_it() -> None:
    facts = [*daily(2), *daily(1, counts=False, mode="review")]
    assert award(facts, sessions(3)) is None
    assert award(facts, rule('session.mode == "review"')) is None


def test_a_harder_version_takes_no_badge_away_and_gives_none_for_the_old_threshold() -> None:
    facts = daily(6)
    assert given_by(facts, sessions(3, until=midnight(4)), sessions(10, version=2)) == (1, 2)
    assert given_by(facts, sessions(5, until=midnight(4)), sessions(10, version=2)) is None


def test_a_session_from_before_a_change_counts_by_the_old_version_even_if_told_after_it() -> None:
    facts = daily(3)
    versions = (sessions(3, until=midnight(3)), sessions(10, version=2))
    assert award(facts[:2], *versions) is None
    assert award(facts, *versions) == 2


def test_an_easier_version_gives_the_badge_from_the_day_it_was_met() -> None:
    assert given_by(daily(4), sessions(10, until=midnight(30)), sessions(2, version=2)) == (2, 1)


def test_an_easier_version_does_not_move_the_day_of_who_had_the_badge() -> None:
    assert given_by(daily(6), sessions(4, until=midnight(30)), sessions(2, version=2)) == (1, 3)


def test_a_version_that_was_replaced_and_not_followed_gives_what_it_gave() -> None:
    """So it is with a locked one."""
    facts = daily(4)
    assert award(facts, sessions(2, until=midnight(2))) == 1
    assert award(facts, sessions(3, until=midnight(2))) is None


def test_a_window_counts_its_own_days_alone_and_streaks_run_on_into_it() -> None:
    window = {"first_day": DAY + timedelta(days=2), "last_day": DAY + timedelta(days=3)}
    facts = daily(6)
    assert award(facts, sessions(2, **window)) == 3
    assert award(facts, sessions(3, **window)) is None
    assert award(facts, rule("focus.best_streak >= 3", **window)) == 2
    assert award(facts, rule("focus.best_streak >= 5", **window)) is None


def test_a_late_days_streak_is_that_of_its_own_day() -> None:
    """The last to end is of the first day: the day is one of a streak, not four."""
    facts = [*daily(4)[1:], completion(local_date=DAY, end_time=midnight(9))]
    assert award(facts, rule("focus.best_streak >= 4")) == 2, "the last day's, once the first is known"
    assert award(facts[:-1], rule("focus.best_streak >= 4")) is None


def test_days_that_are_kept_join_a_streak_and_do_not_add_to_it() -> None:
    facts = [fact for number, fact in enumerate(daily(5)) if number != 2]
    pause = PlannedPause(
        entry_id=uuid4(),
        recorded_at=NOON,
        first=DAY + timedelta(days=2),
        last=DAY + timedelta(days=2),
    )
    streak = rule("total.best_streak >= 4")
    assert award(facts, streak) is None
    assert award(facts, streak, learner=LearnerFacts(entries=[pause])) == 3


def test_a_day_cut_short_by_a_turn_that_no_session_tells_is_kept() -> None:
    facts = [fact for number, fact in enumerate(daily(3)) if number != 1]
    streak = rule("total.best_streak >= 2")
    assert award(facts, streak) is None
    to_auckland = calendar_change(
        time_zone="Pacific/Auckland", effective_time=midnight(1) + timedelta(hours=12)
    )
    assert award(facts, streak, learner=LearnerFacts([to_auckland])) == 1


def test_days_before_the_sign_up_are_no_streak_and_count_for_all_else() -> None:
    facts = daily(4)
    learner = LearnerFacts([calendar_change(time_zone="UTC", sign_up_time=midnight(2) + timedelta(hours=13))])
    assert award(facts, rule("focus.best_streak >= 2"), learner=learner) == 3
    assert award(facts, rule("focus.days >= 2"), learner=learner) == 1


def test_who_met_several_thresholds_at_once_has_all_of_them() -> None:
    one = completion(local_date=DAY, elapsed_seconds=10_000)
    versions = tuple(
        rule(f"focus.seconds >= {number}", badge_id=f"badge-{number}") for number in (1, 50, 9_999, 10_001)
    )
    awards = told(derive(Facts.of([one]), {}, BadgeCatalogue(1, versions))).awards
    assert {badge_id for _, badge_id in awards} == {"badge-1", "badge-50", "badge-9999"}


def test_a_condition_that_cannot_be_answered_for_a_session_is_not_met_by_it() -> None:
    facts = [completion(answer_count=3), completion(answer_count=5)]
    assert award(facts, rule("10 / (session.answers - 3) != 0")) == 1


@given(histories(), persons(), catalogues())
def test_the_columns_the_cel_programs_and_a_plain_search_through_every_prefix_agree(
    facts: list[Completion], learner: LearnerFacts, catalogue: BadgeCatalogue
) -> None:
    by_column = told(derive(Facts.of(facts), {1: learner}, catalogue)).awards
    assert told(derive(Facts.of(facts), {1: learner}, asked_only(catalogue))).awards == by_column
    assert plain(facts, learner, catalogue.versions).awards == by_column
