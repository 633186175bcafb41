"""How long the streaks were on the days with practice, for many people at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import numpy as np

from stats_service.domain.calendar import Calendar, CalendarChange
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.derived import EVERYTHING, Days
from stats_service.domain.facts import Facts, Ints, instant_of, starts_of
from stats_service.domain.keeping import FREEZE, Keeping, ProductDay, Timeline, first_practice
from stats_service.domain.person import Person
from stats_service.domain.streaks import day_positions, day_runs, streak_days


class PractisedDays:
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
        return streak_days(practised, self._keeping[user], product)

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
            told = timeline(facts, rows, person.changes)
            synced = _synced_days(facts.where(rows))
            yield user, Keeping.of(told, person.entries, person.sign_up_time, synced)


def _synced_days(facts: Facts) -> Sequence[ProductDay]:
    mine = facts.where(facts.synced & facts.counts)
    days = zip(mine.product.tolist(), mine.day.tolist(), strict=True)
    return [(facts.products[product], date.fromordinal(day)) for product, day in set(days)]


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
