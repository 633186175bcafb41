"""Takes some people's part out of what was derived for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from stats_service.domain.awards import Awards
from stats_service.domain.derived import Days, Derived, Runs, Standings, Sums

T = TypeVar("T", Days, Standings, Runs, Awards)


def part_of(derived: Derived, users: Sequence[int]) -> Derived:
    """Returns what was derived for these people."""
    wanted = frozenset(users)
    return Derived(
        days=_rows(derived.days, users),
        standings=_rows(derived.standings, users),
        runs=_rows(derived.runs, users),
        frozen={key: days for key, days in derived.frozen.items() if key[0] in wanted},
        awards=_rows(derived.awards, users),
        products=derived.products,
    )


def _rows(columns: T, users: Sequence[int]) -> T:
    mine = np.isin(columns.user, users)
    return type(columns)(
        **{each.name: _column(getattr(columns, each.name), mine) for each in fields(columns)}
    )


def _column(column: Any, mine: Any) -> Any:
    if isinstance(column, Sums):
        return Sums(*(getattr(column, each.name)[mine] for each in fields(column)))
    return column[mine] if isinstance(column, np.ndarray) else column
