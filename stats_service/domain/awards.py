"""Which completion earned which badge, for any number of learners at once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from stats_service.domain.badges import BadgeCatalogue, BadgeVersion
from stats_service.domain.conditions import SESSION, TOTAL, All, Condition, Need, Some, Term, Terms
from stats_service.domain.facts import Bools, Facts, Ints, microseconds, order_of, starts_of

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}

# Columns of facts by the names that conditions give them.
_SUMMED: Mapping[str, str] = {"seconds": "seconds", "answers": "answers", "correct_answers": "correct"}
_DERIVED: Mapping[str, Callable[[Facts], Any]] = {
    "product": lambda facts: np.array(facts.products, np.object_)[facts.product],
    "minutes": lambda facts: facts.seconds // 60,
    "accuracy": lambda facts: facts.correct * 100 // np.maximum(facts.answers, 1),
    "hour": lambda facts: facts.minute // 60,
    "weekday": lambda facts: (facts.day + 6) % 7,
}

_NOBODY: Ints = np.zeros(0, np.int64)

# The streak's length on each completion's day, for a product's number or all (None).
Positions = Callable[[int | None], Ints]


@dataclass(frozen=True, slots=True)
class Awards:
    """Badges earned, as columns: by whom, which (`badge_ids[badge]`), which version, by which completion."""

    user: Ints
    badge: Ints
    version: Ints
    seq: Ints
    badge_ids: tuple[str, ...] = ()


def award(counted: Facts, positions: Positions, catalogue: BadgeCatalogue) -> Awards:
    """Returns the badges that counting completions earn; see badges.py for the rules."""
    windows: dict[tuple[date | None, date | None], History] = {}
    badge_ids: list[str] = []
    given: list[tuple[Ints, int, int]] = []
    for number, (badge_id, versions) in enumerate(catalogue.by_badge):
        badge_ids.append(badge_id)
        earned = _NOBODY
        for version, needs in versions:
            window = (version.first_day, version.last_day)
            if window not in windows:
                windows[window] = History.within(counted, positions, *window)
            if windows[window].lacks(needs):
                # Most badges are nobody's yet.
                continue
            found = windows[window].first_rows(version)
            if len(earned) and len(found):
                # An older version that was met has given the badge already.
                found = found[~np.isin(counted.user[found], counted.user[earned])]
            if len(found):
                earned = np.concatenate((earned, found)) if len(earned) else found
                given.append((found, number, version.version))
    row = np.concatenate([_NOBODY, *(found for found, _, _ in given)])
    lengths = [len(found) for found, _, _ in given]
    badge, version_column = (
        np.repeat(np.array(told, np.int64), lengths)
        for told in ([number for _, number, _ in given], [version for _, _, version in given])
    )
    order = order_of(counted.user[row], badge)
    row = row[order]
    return Awards(counted.user[row], badge[order], version_column[order], counted.seq[row], tuple(badge_ids))


class History:
    """What the variables of conditions are at each of some counting completions."""

    def __init__(self, counted: Facts, rows: Ints, positions: Positions) -> None:
        self._all = counted
        self._rows = rows
        self._facts = counted if len(rows) == len(counted) else counted.where(rows)
        self._positions = positions
        self._values: dict[tuple[str, str], Any] = {}
        self._highest: dict[tuple[str, str], int] = {}
        self._scopes: dict[str, tuple[int | None, Bools]] = {}
        # Rows are in the order of learners.
        self._alone = len(self._facts) > 0 and bool(self._facts.user[0] == self._facts.user[-1])

    @classmethod
    def within(cls, counted: Facts, positions: Positions, first: date | None, last: date | None) -> History:
        """Looks at the completions of a window of days."""
        inside = np.ones(len(counted), np.bool_)
        if first is not None:
            inside &= counted.day >= first.toordinal()
        if last is not None:
            inside &= counted.day <= last.toordinal()
        return cls(counted, np.flatnonzero(inside), positions)

    def first_rows(self, version: BadgeVersion) -> Ints:
        """Returns the completion that earns a version for each learner who has one, as rows of all."""
        terms = version.condition.terms
        if not len(self._facts):
            return _NOBODY
        if terms is None:
            earning = self._asked(version.condition, self._candidates(version))
        elif version.until is None:
            earning = self._first(self._compared(terms))
        else:
            earning = self._first(self._candidates(version) & self._compared(terms))
        return self._rows[earning]

    def _first(self, holds: Bools) -> Ints:
        """Returns for each learner the first row at which something holds."""
        if self._alone:
            first = int(holds.argmax())
            return np.array([first] if holds[first] else [], np.int64)
        rows = np.flatnonzero(holds)
        return rows[starts_of(self._facts.user[rows])] if len(rows) else rows

    def _candidates(self, version: BadgeVersion) -> Bools:
        if version.until is None:
            return np.ones(len(self._facts), np.bool_)
        return self._facts.end < microseconds(version.until)

    def lacks(self, needs: Sequence[Need]) -> bool:
        """Tells whether something is needed that nobody has done."""
        for key, least in needs:
            highest = self._highest.get(key)
            if highest is None:
                highest = self._highest[key] = self._highest_of(*key)
            if highest < least:
                return True
        return False

    def _highest_of(self, scope: str, name: str) -> int:
        if not len(self._facts) or (scope != TOTAL and scope not in self._facts.products):
            return 0
        sums = self.value(scope, name)
        # One learner's never shrink.
        return int(sums[-1] if self._alone else sums.max())

    def _compared(self, terms: Terms) -> Bools:
        match terms:
            case Term("session", "product", sign, constant):
                # By the few products there are, not by every completion's name.
                products = [_COMPARE[sign](product, constant) for product in self._facts.products]
                return np.array(products, np.bool_)[self._facts.product]
            case Term(scope, name, sign, constant):
                return np.asarray(_COMPARE[sign](self.value(scope, name), constant), np.bool_)
            case All(parts):
                return np.asarray(np.logical_and.reduce([self._compared(part) for part in parts]))
            case Some(parts):
                return np.asarray(np.logical_or.reduce([self._compared(part) for part in parts]))

    def _asked(self, condition: Condition, candidates: Bools) -> Ints:
        """Asks the CEL program, completion by completion, until it holds for a learner."""
        names = sorted(condition.variables)
        columns = [self.value(*name).tolist() for name in names]
        users = self._facts.user.tolist()
        found: list[int] = []
        done = None
        for row in np.flatnonzero(candidates).tolist():
            if users[row] == done:
                continue
            variables: dict[str, dict[str, Any]] = {}
            for (scope, name), column in zip(names, columns, strict=True):
                variables.setdefault(scope, {})[name] = column[row]
            if condition.holds(variables):
                found.append(row)
                done = users[row]
        return np.array(found, np.int64)

    def values_at(
        self, names: Iterable[tuple[str, str]], seq: int | None
    ) -> tuple[int, Mapping[tuple[str, str], int | str]] | None:
        """Returns variables at one learner's completion, the last one when None, and which it is.

        None when it is not among those looked at.
        """
        rows = np.arange(len(self._facts)) if seq is None else np.flatnonzero(self._facts.seq == seq)
        if not len(rows):
            return None
        row = int(rows[-1])
        return int(self._facts.seq[row]), {
            name: self.value(*name)[row : row + 1].tolist()[0] for name in names
        }

    def value(self, scope: str, name: str) -> Any:
        """Returns a variable at each completion."""
        key = (scope, name)
        if key not in self._values:
            self._values[key] = self._session(name) if scope == SESSION else self._sum(scope, name)
        return self._values[key]

    @cached_property
    def _begins(self) -> Ints:
        """For each completion, the row of its learner's first."""
        starts = np.flatnonzero(starts_of(self._facts.user))
        lengths = np.diff(np.append(starts, len(self._facts)))
        return np.repeat(starts, lengths)

    def _sum(self, scope: str, name: str) -> Ints:
        facts = self._facts
        if scope != TOTAL and scope not in facts.products:
            return np.zeros(len(facts), np.int64)
        product, mine = self._scope(scope)
        if name == "sessions":
            return self._running_sum(mine)
        if name == "days":
            return self._running_sum(self._new_days(mine))
        if name == "best_streak":
            return self._running_max(self._positions(product)[self._rows] * mine)
        if name == "minutes":
            return np.asarray(self.value(scope, "seconds") // 60)
        return self._running_sum(getattr(facts, _SUMMED[name]) * mine)

    def _scope(self, scope: str) -> tuple[int | None, Bools]:
        """Returns a product's number, or none of all, and which completions are of it."""
        if scope not in self._scopes:
            product = None if scope == TOTAL else self._facts.products.index(scope)
            every = np.ones(len(self._facts), np.bool_)
            self._scopes[scope] = product, every if product is None else self._facts.product == product
        return self._scopes[scope]

    def _new_days(self, mine: Bools) -> Bools:
        """Tells at which completions a learner's day with practice is new."""
        rows = np.flatnonzero(mine)
        rows = rows[order_of(self._facts.user[rows], self._facts.day[rows])]
        new = np.zeros(len(self._facts), np.bool_)
        if len(rows):
            new[rows[starts_of(self._facts.user[rows], self._facts.day[rows])]] = True
        return new

    def _running_sum(self, values: Any) -> Ints:
        sums = np.cumsum(values, dtype=np.int64)
        if self._alone:
            return sums
        before = np.concatenate((np.zeros(1, np.int64), sums))[self._begins]
        return np.asarray(sums - before)

    def _running_max(self, values: Ints) -> Ints:
        if self._alone:
            return np.asarray(np.maximum.accumulate(values))
        if not len(values):
            return values
        # Persons are lifted above each other, so that none inherits another's maximum.
        lift = self._begins * (int(values.max()) + 1)
        return np.asarray(np.maximum.accumulate(values + lift) - lift)

    def _session(self, name: str) -> Any:
        facts = self._facts
        if name in _DERIVED:
            return _DERIVED[name](facts)
        return getattr(facts, _SUMMED.get(name, name))
