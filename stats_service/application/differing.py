"""Adds up what differs between stored progress and what the facts say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from stats_service.application.ports.learners import Difference
from stats_service.application.ports.recalculation import Outcome, Summed, UserDifference

# Of a shard; what is summed is of everybody.
MOST_PEOPLE_TOLD = 100
MOST_ROWS_TOLD = 10


def tell(differences: Sequence[Difference], outcome: Outcome) -> None:
    """Adds the differences of some people, of whom nothing was told before."""
    by_user = sorted(differences, key=lambda each: each.user_id)
    for user, rows in groupby(by_user, key=lambda each: each.user_id):
        mine = list(rows)
        outcome.wrong += 1
        for table in {row.table for row in mine}:
            outcome.summed.setdefault(table, Summed()).people += 1
        for row in mine:
            _add(row, outcome.summed[row.table])
        if len(outcome.differences) < MOST_PEOPLE_TOLD:
            outcome.differences.append(UserDifference(user, len(mine), mine[:MOST_ROWS_TOLD]))


def _add(row: Difference, summed: Summed) -> None:
    summed.missing += row.stored is None
    summed.surplus += row.derived is None
    summed.changed += row.stored is not None and row.derived is not None
    for name, off in _off(row.stored or {}, row.derived or {}).items():
        summed.sums[name] = summed.sums.get(name, 0) + off


def _off(stored: Mapping[str, object], derived: Mapping[str, object]) -> Mapping[str, int]:
    """Returns by how much what can be added up is more than it should be."""
    names = [name for name in stored.keys() | derived.keys() if name.endswith(("_count", "_seconds"))]
    return {name: _number(stored.get(name)) - _number(derived.get(name)) for name in sorted(names)}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
