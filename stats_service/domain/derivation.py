"""Everything derived from completions, by one function.

`derive(facts, people, book)` is what the live update calls with one person's
facts and a recalculation with those of a shard. It knows nothing of earlier
results, so both agree to the byte, whatever arrived when and how often. No
clock enters: what depends on the day it is asked for (a current streak) is
told when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from stats_service.domain.awards import Awards, History, award
from stats_service.domain.badges import BadgeBook, BadgeVersion
from stats_service.domain.calendar import Calendar, CalendarChange
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.facts import Facts, Ints, instant_of, order_of, starts_of
from stats_service.domain.keeping import FREEZE, Entry, Keeping, Timeline, first_practice
from stats_service.domain.streaks import day_positions, day_runs, since_sign_up

# The number of all products together, beside the indexes of `products`.
EVERYTHING = -1


@dataclass(frozen=True, slots=True)
class Person:
    """The facts about a person other than completions. `changes` are in order, by instant and id."""

    changes: Sequence[CalendarChange] = ()
    entries: Sequence[Entry] = ()

    @property
    def sign_up_time(self) -> datetime | None:
        """When the person signed up, if any change tells it; the earliest that one does."""
        return min((each.sign_up_time for each in self.changes if each.sign_up_time), default=None)


@dataclass(frozen=True, slots=True)
class Sums:
    """What counting completions add up to, as columns. `seconds` is the time practised."""

    sessions: Ints
    seconds: Ints
    answers: Ints
    correct: Ints

    def grouped(self, order: Any, starts: Ints) -> Sums:
        """Returns the sums of groups of rows: those in `order`, from each start to the next."""
        columns = (self.sessions, self.seconds, self.answers, self.correct)
        if not len(starts):
            return Sums(*(column[order] for column in columns))
        return Sums(*(np.add.reduceat(column[order], starts) for column in columns))


@dataclass(frozen=True, slots=True)
class Days:
    """Sums by person, product and day, in that order."""

    user: Ints
    product: Ints
    day: Ints
    sums: Sums


@dataclass(frozen=True, slots=True)
class Standings:
    """Sums by person and product, EVERYTHING first, in that order."""

    user: Ints
    product: Ints
    sums: Sums


@dataclass(frozen=True, slots=True)
class Runs:
    """Consecutive days with practice by person and product, in that order; both ends included."""

    user: Ints
    product: Ints
    first: Ints
    last: Ints


@dataclass(frozen=True, slots=True)
class Derived:
    """What completions add up to.

    `products` names the numbers of products; `frozen` has the days on which a
    freeze was used, by person and product's name, for those who were granted
    any.
    """

    days: Days
    standings: Standings
    runs: Runs
    frozen: Mapping[tuple[int, str], Sequence[date]]
    awards: Awards
    products: tuple[str, ...]


def derive(facts: Facts, people: Mapping[int, Person], book: BadgeBook) -> Derived:
    """Returns what the facts of some people add up to."""
    counted = facts if facts.counts.all() else facts.where(facts.counts)
    days = _days(counted)
    practice = _Practice(facts, counted, days, people)
    return Derived(
        days=days,
        standings=_standings(days),
        runs=_runs(days),
        frozen=practice.frozen(),
        awards=award(counted, practice.positions, book),
        products=facts.products,
    )


def values_at(
    facts: Facts, people: Mapping[int, Person], version: BadgeVersion, seq: int | None
) -> tuple[int, Mapping[tuple[str, str], int | str]] | None:
    """Returns what a condition's variables were at one person's completion, at the last one when None.

    With the number of the completion; None when no completion that counts is it.
    """
    counted = facts.where(facts.counts)
    practice = _Practice(facts, counted, _days(counted), people)
    history = History.within(counted, practice.positions, version.first_day, version.last_day)
    return history.values_at(sorted(version.condition.variables), seq)


def _days(counted: Facts) -> Days:
    order = order_of(counted.user, counted.product, counted.day)
    user, product, day = (column[order] for column in (counted.user, counted.product, counted.day))
    starts = np.flatnonzero(starts_of(user, product, day))
    each = Sums(np.ones(len(counted), np.int64), counted.seconds, counted.answers, counted.correct)
    return Days(user[starts], product[starts], day[starts], each.grouped(order, starts))


def _standings(days: Days) -> Standings:
    one = np.flatnonzero(starts_of(days.user, days.product))
    all_of_them = np.flatnonzero(starts_of(days.user))
    every = slice(None)
    user = np.concatenate((days.user[all_of_them], days.user[one]))
    product = np.concatenate((np.full(len(all_of_them), EVERYTHING), days.product[one]))
    sums = [
        np.concatenate((getattr(together, name), getattr(alone, name)))
        for together, alone in [(days.sums.grouped(every, all_of_them), days.sums.grouped(every, one))]
        for name in ("sessions", "seconds", "answers", "correct")
    ]
    order = order_of(user, product)
    return Standings(user[order], product[order], Sums(*(column[order] for column in sums)))


def _runs(days: Days) -> Runs:
    order = order_of(days.user, days.day)
    order = order[starts_of(days.user[order], days.day[order])]
    together = _runs_of(days.user[order], np.full(len(order), EVERYTHING), days.day[order])
    alone = _runs_of(days.user, days.product, days.day)
    user, product, first, last = (np.concatenate(both) for both in zip(together, alone, strict=True))
    order = order_of(user, product, first)
    return Runs(user[order], product[order], first[order], last[order])


def _runs_of(user: Ints, product: Ints, day: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    # Days less their place are one number throughout a run.
    starts = np.flatnonzero(starts_of(user, product, day - np.arange(len(day))))
    stops = np.append(starts[1:], len(day))[: len(starts)] - 1
    return user[starts], product[starts], day[starts], day[stops]


class _Practice:
    """Days with practice, and how long the streak was on each.

    Most people have one calendar and nothing that keeps days: theirs are told
    by the column. Everybody else's are walked, person by person.
    """

    def __init__(self, facts: Facts, counted: Facts, days: Days, people: Mapping[int, Person]) -> None:
        self._counted = counted
        self._days = days
        self._products = facts.products
        self._keeping = dict(_keepings(facts, days, people))
        self._first_day = int(days.day.min()) if len(days.day) else 0
        self._span = int(days.day.max()) - self._first_day + 1 if len(days.day) else 1
        # Both are in the order of persons, and have the same ones.
        self._day_keys = self._keys(days.user, days.day)
        self._row_keys = self._keys(counted.user, counted.day)
        self._people = days.user[starts_of(days.user)]
        self._cache: dict[int | None, Ints] = {}

    def positions(self, product: int | None) -> Ints:
        """Returns, for each counting completion, how long the streak of a product, or of all, is on its day.

        0 where it is no practice of that streak: of another product, or before the sign-up.
        """
        if product not in self._cache:
            self._cache[product] = self._positions(product)
        return self._cache[product]

    def _positions(self, product: int | None) -> Ints:
        if product is None:
            keys = np.sort(self._day_keys)
            keys = keys[starts_of(keys)]
        else:
            keys = self._day_keys[self._days.product == product]
        if not len(keys):
            return np.zeros(len(self._counted), np.int64)
        person = keys // self._span
        joined = np.zeros(len(keys), np.bool_)
        joined[1:] = (keys[1:] == keys[:-1] + 1) & (person[1:] == person[:-1])
        index = np.arange(len(keys))
        lengths = index - np.maximum.accumulate(np.where(joined, 0, index)) + 1
        self._walk(product, keys, person, lengths)
        mine = (
            np.arange(len(self._counted))
            if product is None
            else np.flatnonzero(self._counted.product == product)
        )
        positions = np.zeros(len(self._counted), np.int64)
        positions[mine] = lengths[np.searchsorted(keys, self._row_keys[mine])]
        return positions

    def frozen(self) -> Mapping[tuple[int, str], Sequence[date]]:
        """Returns the days on which freezes were used, until each streak's last day with practice."""
        found = {}
        for user, keeping in self._keeping.items():
            for name in keeping.grants:
                days = self._days_of(user, name)
                runs, _ = day_runs(days, keeping, name, days[-1]) if days else ((), 0)
                found[user, name] = [
                    kept.period for run in runs for kept in run.kept if kept.reason == FREEZE
                ]
        return found

    def _days_of(self, user: int, product: str) -> Sequence[date]:
        start, stop = np.searchsorted(self._days.user, (user, user + 1))
        ordinals = self._days.day[start:stop]
        if product != ALL_PRODUCTS:
            number = self._products.index(product) if product in self._products else EVERYTHING
            ordinals = ordinals[self._days.product[start:stop] == number]
        practised = [date.fromordinal(ordinal) for ordinal in np.unique(ordinals).tolist()]
        return since_sign_up(practised, self._keeping[user])

    def _walk(self, product: int | None, keys: Ints, person: Ints, lengths: Ints) -> None:
        """Puts in the lengths of those whose days are kept by something."""
        name = ALL_PRODUCTS if product is None else self._products[product]
        for user, keeping in self._keeping.items():
            rank = int(np.searchsorted(self._people, user))
            if rank == len(self._people) or self._people[rank] != user:
                continue
            start, stop = np.searchsorted(person, (rank, rank + 1))
            ordinals = keys[start:stop] - rank * self._span + self._first_day
            days = [date.fromordinal(ordinal) for ordinal in ordinals.tolist()]
            if days:
                lengths[start:stop] = day_positions(days, keeping, name)

    def _keys(self, user: Ints, day: Ints) -> Ints:
        ranks = np.cumsum(starts_of(user)) - 1
        return np.asarray(ranks * self._span + (day - self._first_day))


def _keepings(facts: Facts, days: Days, people: Mapping[int, Person]) -> Iterator[tuple[int, Keeping]]:
    """Yields those people for whom more than consecutive days makes a streak."""
    first_days = _first_days(days, people)
    leaping = np.array([calendar.may_skip for calendar in facts.calendars], np.bool_)
    begins = starts_of(facts.user)
    turns = ~begins & (np.concatenate((facts.calendar[:1], facts.calendar[:-1])) != facts.calendar)
    odd = turns | (leaping[facts.calendar] if len(facts) else turns)
    oddities = set(facts.user[odd].tolist())
    for user in sorted(oddities | people.keys()):
        rows = slice(*np.searchsorted(facts.user, (user, user + 1)).tolist())
        person = people.get(user, Person())
        if rows.start < rows.stop and (
            user in oddities
            or person.entries
            or _elsewhere(person, facts.calendars[facts.calendar[rows.start]])
            or _too_early(person, facts.calendars[facts.calendar[rows.start]], first_days.get(user))
        ):
            yield (
                user,
                Keeping.of(timeline(facts, rows, person.changes), person.entries, person.sign_up_time),
            )


def timeline(facts: Facts, rows: slice, changes: Sequence[CalendarChange]) -> Timeline:
    """Returns the calendars that a person's facts tell, in order: of one instant, changes come first."""
    seen = [
        (instant_of(end), 1, facts.calendars[code])
        for end, code in zip(facts.end[rows].tolist(), facts.calendar[rows].tolist(), strict=True)
    ]
    told = [(each.effective_time, 0, each.calendar) for each in changes]
    return [(instant, calendar) for instant, _, calendar in sorted(told + seen, key=lambda each: each[:2])]


def _first_days(days: Days, people: Mapping[int, Person]) -> Mapping[int, int]:
    if not people or not len(days.day):
        return {}
    starts = np.flatnonzero(starts_of(days.user))
    firsts = np.minimum.reduceat(days.day, starts)
    return dict(zip(days.user[starts].tolist(), firsts.tolist(), strict=True))


def _elsewhere(person: Person, calendar: Calendar) -> bool:
    return any(change.calendar != calendar for change in person.changes)


def _too_early(person: Person, calendar: Calendar, first_day: int | None) -> bool:
    """Tells whether somebody with one calendar has practice on days before that of the sign-up."""
    bound = first_practice(person.sign_up_time, [calendar])
    return bound is not None and first_day is not None and first_day < bound.toordinal()
