"""Which practice counts, how much of its time, and how long the streaks were on the days of many learners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from stats_service.domain.calendar import Calendar, CalendarChange, Timeline, timeline_of
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.derived import EVERYTHING, Days
from stats_service.domain.facts import Facts, Ints, LearnerFacts, instant_of, order_of, starts_of
from stats_service.domain.protection import ProductDay, StreakProtection, first_practice
from stats_service.domain.streaks import day_positions, day_runs, frozen_days, streak_days

MOST_SECONDS_A_DAY = 86_400


def within_days(counted: Facts) -> Facts:
    """Returns facts with at most 86,400 seconds a learner and day, over all products.

    Completions take from their day in the order of their ends; what is beyond
    counts no time, and is a session all the same.
    """
    if not len(counted):
        return counted
    order = order_of(counted.user, counted.day)
    seconds = counted.seconds[order]
    starts = np.flatnonzero(starts_of(counted.user[order], counted.day[order]))
    until = np.cumsum(seconds)
    lengths = np.diff(np.append(starts, len(order)))
    until -= np.repeat(until[starts] - seconds[starts], lengths)
    if int(until.max()) <= MOST_SECONDS_A_DAY:
        return counted
    left = np.empty_like(counted.seconds)
    left[order] = np.minimum(until, MOST_SECONDS_A_DAY) - np.minimum(until - seconds, MOST_SECONDS_A_DAY)
    return replace(counted, seconds=left)


class PractisedDays:
    """Days with practice, and how long the streak was on each.

    Most learners have one calendar and nothing that keeps days: theirs are told
    by the column. Everybody else's are walked, learner by learner.
    """

    def __init__(
        self, facts: Facts, counted: Facts, days: Days, learners: Mapping[int, LearnerFacts]
    ) -> None:
        self._counted = counted
        self._days = days
        self._products = facts.products
        self._protection = dict(_protections(facts, days, learners))
        self._first_day = int(days.day.min()) if len(days.day) else 0
        self._span = int(days.day.max()) - self._first_day + 1 if len(days.day) else 1
        # Both are in the order of learners, and have the same ones.
        self._day_keys = self._keys(days.user, days.day)
        self._row_keys = self._keys(counted.user, counted.day)
        self._learners = days.user[starts_of(days.user)]
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
        learner = keys // self._span
        joined = np.zeros(len(keys), np.bool_)
        joined[1:] = (keys[1:] == keys[:-1] + 1) & (learner[1:] == learner[:-1])
        index = np.arange(len(keys))
        lengths = index - np.maximum.accumulate(np.where(joined, 0, index)) + 1
        self._walk(product, keys, learner, lengths)
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
        for user, protection in self._protection.items():
            for name in protection.grants:
                days = self._days_of(user, name)
                runs, _ = day_runs(days, protection, name, days[-1]) if days else ((), 0)
                found[user, name] = frozen_days(runs)
        return found

    def _days_of(self, user: int, product: str) -> Sequence[date]:
        start, stop = np.searchsorted(self._days.user, (user, user + 1))
        ordinals = self._days.day[start:stop]
        if product != ALL_PRODUCTS:
            number = self._products.index(product) if product in self._products else EVERYTHING
            ordinals = ordinals[self._days.product[start:stop] == number]
        practised = [date.fromordinal(ordinal) for ordinal in np.unique(ordinals).tolist()]
        return streak_days(practised, self._protection[user], product)

    def _walk(self, product: int | None, keys: Ints, learner: Ints, lengths: Ints) -> None:
        """Puts in the lengths of those whose days are kept by something."""
        name = ALL_PRODUCTS if product is None else self._products[product]
        for user, protection in self._protection.items():
            rank = int(np.searchsorted(self._learners, user))
            if rank == len(self._learners) or self._learners[rank] != user:
                continue
            start, stop = np.searchsorted(learner, (rank, rank + 1))
            ordinals = keys[start:stop] - rank * self._span + self._first_day
            days = [date.fromordinal(ordinal) for ordinal in ordinals.tolist()]
            if days:
                lengths[start:stop] = day_positions(days, protection, name)

    def _keys(self, user: Ints, day: Ints) -> Ints:
        ranks = np.cumsum(starts_of(user)) - 1
        return np.asarray(ranks * self._span + (day - self._first_day))


def _protections(
    facts: Facts, days: Days, learners: Mapping[int, LearnerFacts]
) -> Iterator[tuple[int, StreakProtection]]:
    """Yields those learners for whom more than consecutive days makes a streak."""
    first_days = _first_days(days, learners)
    leaping = np.array([calendar.may_skip for calendar in facts.calendars], np.bool_)
    begins = starts_of(facts.user)
    turns = ~begins & (np.concatenate((facts.calendar[:1], facts.calendar[:-1])) != facts.calendar)
    odd = turns | (leaping[facts.calendar] if len(facts) else turns)
    oddities = set(facts.user[odd].tolist())
    for user in sorted(oddities | learners.keys()):
        rows = slice(*np.searchsorted(facts.user, (user, user + 1)).tolist())
        learner = learners.get(user, LearnerFacts())
        if rows.start < rows.stop and (
            user in oddities
            or learner.entries
            or _elsewhere(learner, facts.calendars[facts.calendar[rows.start]])
            or _too_early(learner, facts.calendars[facts.calendar[rows.start]], first_days.get(user))
        ):
            told = _timeline(facts, rows, learner.changes)
            synced = _synced_days(facts.where(rows))
            yield user, StreakProtection.of(told, learner.entries, learner.sign_up_time, synced)


def _synced_days(facts: Facts) -> Sequence[ProductDay]:
    mine = facts.where(facts.synced & facts.counts)
    days = zip(mine.product.tolist(), mine.day.tolist(), strict=True)
    return [(facts.products[product], date.fromordinal(day)) for product, day in set(days)]


def _timeline(facts: Facts, rows: slice, changes: Sequence[CalendarChange]) -> Timeline:
    completions = [
        (instant_of(end), facts.calendars[code])
        for end, code in zip(facts.end[rows].tolist(), facts.calendar[rows].tolist(), strict=True)
    ]
    return timeline_of([(each.effective_time, each.calendar) for each in changes], completions)


def _first_days(days: Days, learners: Mapping[int, LearnerFacts]) -> Mapping[int, int]:
    if not learners or not len(days.day):
        return {}
    starts = np.flatnonzero(starts_of(days.user))
    firsts = np.minimum.reduceat(days.day, starts)
    return dict(zip(days.user[starts].tolist(), firsts.tolist(), strict=True))


def _elsewhere(learner: LearnerFacts, calendar: Calendar) -> bool:
    return any(change.calendar != calendar for change in learner.changes)


def _too_early(learner: LearnerFacts, calendar: Calendar, first_day: int | None) -> bool:
    """Tells whether somebody with one calendar has practice on days before that of the sign-up."""
    bound = first_practice(learner.sign_up_time, [calendar])
    return bound is not None and first_day is not None and first_day < bound.toordinal()
