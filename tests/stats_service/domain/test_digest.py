"""Progress is told by its digest, and derived without the changes that tell nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stats_service.domain.badges import BadgeBook, BadgeVersion
from stats_service.domain.calendar import Calendar
from stats_service.domain.completion import Completion
from stats_service.domain.derivation import derive
from stats_service.domain.derived import Derived
from stats_service.domain.digest import digests, kinds_of
from stats_service.domain.facts import Facts, microseconds
from stats_service.domain.parts import part_of
from stats_service.domain.person import Person
from stats_service.domain.telling import NO_SIGN_UP, ChangeColumns, telling
from tests.stats_service.domain.conditions import compiled
from tests.stats_service.domain.plain import Told, told
from tests.stats_service.domain.strategies import histories, persons

BOOK = BadgeBook(
    1,
    tuple(
        BadgeVersion(badge_id=badge_id, version=1, condition=compiled(condition))
        for badge_id, condition in (("many", "focus.sessions >= 3"), ("streak", "total.best_streak >= 2"))
    ),
)

People = Mapping[int, tuple[list[Completion], Person]]


def populations() -> st.SearchStrategy[People]:
    return st.fixed_dictionaries({user: st.tuples(histories(user), persons(user)) for user in (1, 2, 3)})


def derived(people: People) -> Derived:
    facts = Facts.of(fact for facts, _ in people.values() for fact in facts)
    return derive(facts, {user: person for user, (_, person) in people.items()}, BOOK)


def by_person(progress: Derived) -> dict[int, int]:
    users, found = digests(kinds_of(progress))
    return dict(zip(users.tolist(), found.tolist(), strict=True))


@given(populations(), populations())
def test_digests_are_equal_where_progress_is_and_nowhere_else(one: People, other: People) -> None:
    first, second = derived(one), derived(other)
    for user in one:
        same = rows_of(first, user) == rows_of(second, user)
        assert same == (by_person(first).get(user, 0) == by_person(second).get(user, 0))


def rows_of(progress: Derived, user: int) -> Told:
    """An empty list of days with a freeze is no row."""
    part = told(part_of(progress, [user]))
    return replace(part, frozen={key: days for key, days in part.frozen.items() if days})


@given(populations())
def test_a_person_has_the_same_digest_alone_and_among_others(people: People) -> None:
    together = by_person(derived(people))
    for user, facts in people.items():
        assert by_person(derived({user: facts})).get(user, 0) == together.get(user, 0)
        assert told(part_of(derived(people), [user])) == told(derived({user: facts}))


@given(populations())
def test_changes_that_tell_nothing_need_not_be_known(people: People) -> None:
    facts = Facts.of(fact for facts, _ in people.values() for fact in facts)
    changes = [change for _, person in people.values() for change in person.changes]
    calendars = tuple({change.calendar: None for change in changes})
    columns = ChangeColumns(
        np.array([change.user_id for change in changes], np.int64),
        np.array([calendars.index(change.calendar) for change in changes], np.int64),
        np.array([_sign_up(change.sign_up_time) for change in changes], np.int64),
        calendars,
    )
    needed = {
        user: person
        for user, (_, person) in people.items()
        if person.entries or user in telling(facts, columns).tolist()
    }
    everybody = {user: person for user, (_, person) in people.items()}
    assert told(derive(facts, needed, BOOK)) == told(derive(facts, everybody, BOOK))


def _sign_up(instant: datetime | None) -> int:
    return NO_SIGN_UP if instant is None else microseconds(instant)


def test_a_sign_up_that_says_what_completions_say_tells_nothing() -> None:
    facts = Facts.of([])
    nobody = ChangeColumns(*(np.zeros(0, np.int64) for _ in range(3)), calendars=())
    assert telling(facts, nobody).tolist() == []
    signed_up = ChangeColumns(
        np.array([7]),
        np.array([0]),
        np.array([microseconds(datetime(2026, 1, 1, tzinfo=UTC))]),
        (Calendar(),),
    )
    assert telling(facts, signed_up).tolist() == []
