"""Progress is told by its digest, and derived without the changes that tell nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stats_service.domain.badges import BadgeCatalogue, BadgeVersion
from stats_service.domain.calendar import Calendar
from stats_service.domain.calendar_screening import NO_SIGN_UP, ChangeColumns, screen_calendar_changes
from stats_service.domain.completion import Completion
from stats_service.domain.derivation import derive
from stats_service.domain.derived import Derived, select_learners
from stats_service.domain.digest import digests, kinds_of
from stats_service.domain.facts import Facts, LearnerFacts, microseconds
from tests.stats_service.domain.conditions import compiled
from tests.stats_service.domain.plain import Told, told
from tests.stats_service.domain.strategies import histories, persons

BOOK = BadgeCatalogue(
    1,
    tuple(
        BadgeVersion(badge_id=badge_id, version=1, condition=compiled(condition))
        for badge_id, condition in (("many", "focus.sessions >= 3"), ("streak", "total.best_streak >= 2"))
    ),
)

Learners = Mapping[int, tuple[list[Completion], LearnerFacts]]


def populations() -> st.SearchStrategy[Learners]:
    return st.fixed_dictionaries({user: st.tuples(histories(user), persons(user)) for user in (1, 2, 3)})


def derived(learners: Learners) -> Derived:
    facts = Facts.of(fact for facts, _ in learners.values() for fact in facts)
    return derive(facts, {user: learner for user, (_, learner) in learners.items()}, BOOK)


def by_learner(progress: Derived) -> dict[int, int]:
    users, found = digests(kinds_of(progress))
    return dict(zip(users.tolist(), found.tolist(), strict=True))


@given(populations(), populations())
def test_digests_are_equal_where_progress_is_and_nowhere_else(one: Learners, other: Learners) -> None:
    first, second = derived(one), derived(other)
    for user in one:
        same = rows_of(first, user) == rows_of(second, user)
        assert same == (by_learner(first).get(user, 0) == by_learner(second).get(user, 0))


def rows_of(progress: Derived, user: int) -> Told:
    """An empty list of days with a freeze is no row."""
    part = told(select_learners(progress, [user]))
    return replace(part, frozen={key: days for key, days in part.frozen.items() if days})


@given(populations())
def test_a_person_has_the_same_digest_alone_and_among_others(learners: Learners) -> None:
    together = by_learner(derived(learners))
    for user, facts in learners.items():
        assert by_learner(derived({user: facts})).get(user, 0) == together.get(user, 0)
        assert told(select_learners(derived(learners), [user])) == told(derived({user: facts}))


@given(populations())
def test_changes_that_tell_nothing_need_not_be_known(learners: Learners) -> None:
    facts = Facts.of(fact for facts, _ in learners.values() for fact in facts)
    changes = [change for _, learner in learners.values() for change in learner.changes]
    calendars = tuple({change.calendar: None for change in changes})
    columns = ChangeColumns(
        np.array([change.user_id for change in changes], np.int64),
        np.array([calendars.index(change.calendar) for change in changes], np.int64),
        np.array([_sign_up(change.sign_up_time) for change in changes], np.int64),
        calendars,
    )
    needed = {
        user: learner
        for user, (_, learner) in learners.items()
        if learner.entries or user in screen_calendar_changes(facts, columns).tolist()
    }
    everybody = {user: learner for user, (_, learner) in learners.items()}
    assert told(derive(facts, needed, BOOK)) == told(derive(facts, everybody, BOOK))


def _sign_up(instant: datetime | None) -> int:
    return NO_SIGN_UP if instant is None else microseconds(instant)


def test_a_sign_up_that_says_what_completions_say_tells_nothing() -> None:
    facts = Facts.of([])
    nobody = ChangeColumns(*(np.zeros(0, np.int64) for _ in range(3)), calendars=())
    assert screen_calendar_changes(facts, nobody).tolist() == []
    signed_up = ChangeColumns(
        np.array([7]),
        np.array([0]),
        np.array([microseconds(datetime(2026, 1, 1, tzinfo=UTC))]),
        (Calendar(),),
    )
    assert screen_calendar_changes(facts, signed_up).tolist() == []
