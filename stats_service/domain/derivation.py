"""Everything derived from completions, by one function.

`derive(facts, learners, catalogue)` is what the live update calls with one learner's
facts and a recalculation with those of a shard. It knows nothing of earlier
results, so both agree to the byte, whatever arrived when and how often. No
clock enters: what depends on the day it is asked for (a current streak) is
told when it is read.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stats_service.domain.awards import History, award
from stats_service.domain.badges import BadgeCatalogue, BadgeVersion
from stats_service.domain.derived import EVERYTHING, Days, Derived, Runs, Standings, Sums
from stats_service.domain.facts import Facts, Ints, LearnerFacts, order_of, starts_of
from stats_service.domain.practice import PractisedDays, within_days


def derive(facts: Facts, learners: Mapping[int, LearnerFacts], catalogue: BadgeCatalogue) -> Derived:
    """Returns what the facts of some learners add up to."""
    counted = within_days(facts if facts.counts.all() else facts.where(facts.counts))
    days = _days(counted)
    practice = PractisedDays(facts, counted, days, learners)
    return Derived(
        days=days,
        standings=_standings(days),
        runs=_runs(days),
        frozen=practice.frozen(),
        awards=award(counted, practice.positions, catalogue),
        products=facts.products,
    )


def values_at(
    facts: Facts, learners: Mapping[int, LearnerFacts], version: BadgeVersion, seq: int | None
) -> tuple[int, Mapping[tuple[str, str], int | str]] | None:
    """Returns what a condition's variables were at one learner's completion, at the last one when None.

    With the number of the completion; None when no completion that counts is it.
    """
    counted = within_days(facts.where(facts.counts))
    practice = PractisedDays(facts, counted, _days(counted), learners)
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
