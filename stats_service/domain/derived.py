"""What completions add up to, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, TypeVar

import numpy as np

from stats_service.domain.awards import Awards
from stats_service.domain.facts import Ints

# The number of all products together, beside the indexes of `products`.
EVERYTHING = -1


@dataclass(frozen=True, slots=True)
class Sums:
    """What counting completions add up to, as columns. `seconds` is the time that counts."""

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
    """Sums by learner, product and day, in that order."""

    user: Ints
    product: Ints
    day: Ints
    sums: Sums


@dataclass(frozen=True, slots=True)
class Standings:
    """Sums by learner and product, EVERYTHING first, in that order."""

    user: Ints
    product: Ints
    sums: Sums


@dataclass(frozen=True, slots=True)
class Runs:
    """Consecutive days with practice by learner and product, in that order; both ends included."""

    user: Ints
    product: Ints
    first: Ints
    last: Ints


@dataclass(frozen=True, slots=True)
class Derived:
    """What completions add up to.

    `products` names the numbers of products; `frozen` has the days on which a
    freeze was used, by learner and product's name, for those who were granted
    any.
    """

    days: Days
    standings: Standings
    runs: Runs
    frozen: Mapping[tuple[int, str], Sequence[date]]
    awards: Awards
    products: tuple[str, ...]


Rows = TypeVar("Rows", Days, Standings, Runs, Awards)


def select_learners(derived: Derived, users: Sequence[int]) -> Derived:
    """Returns what was derived for these learners."""
    wanted = frozenset(users)
    return Derived(
        days=_rows(derived.days, users),
        standings=_rows(derived.standings, users),
        runs=_rows(derived.runs, users),
        frozen={key: days for key, days in derived.frozen.items() if key[0] in wanted},
        awards=_rows(derived.awards, users),
        products=derived.products,
    )


def _rows(columns: Rows, users: Sequence[int]) -> Rows:
    mine = np.isin(columns.user, users)
    return type(columns)(
        **{each.name: _column(getattr(columns, each.name), mine) for each in fields(columns)}
    )


def _column(column: Any, mine: Any) -> Any:
    if isinstance(column, Sums):
        return Sums(*(getattr(column, each.name)[mine] for each in fields(column)))
    return column[mine] if isinstance(column, np.ndarray) else column
