"""Scopes and sums as the rows of jobs keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from stats_service.application.ports.learners import Difference
from stats_service.recalculation.ports import Scope, Summed, UserDifference


def scope_to_json(scope: Scope) -> dict[str, Any]:
    """Returns the JSON of a scope."""
    return {
        "user_ids": list(scope.user_ids),
        "first_user": scope.first_user,
        "last_user": scope.last_user,
        "product": scope.product,
        "first_day": scope.first_day and scope.first_day.isoformat(),
        "last_day": scope.last_day and scope.last_day.isoformat(),
    }


def scope_from_json(stored: Mapping[str, Any]) -> Scope:
    """Returns the scope that JSON says."""
    return Scope(
        user_ids=tuple(stored["user_ids"]),
        first_user=stored["first_user"],
        last_user=stored["last_user"],
        product=stored["product"],
        first_day=stored["first_day"] and date.fromisoformat(stored["first_day"]),
        last_day=stored["last_day"] and date.fromisoformat(stored["last_day"]),
    )


def summed_to_json(summed: Mapping[str, Summed]) -> dict[str, Any]:
    """Returns the JSON of what differs, by table."""
    return {table: asdict(each) for table, each in summed.items()}


def add_summed(total: dict[str, Summed], stored: Mapping[str, Any]) -> None:
    """Adds what differs in a shard, as JSON says it."""
    for table, values in stored.items():
        into = total.setdefault(table, Summed())
        for name in ("learners", "missing", "surplus", "changed"):
            setattr(into, name, getattr(into, name) + values[name])
        for name, off in values["sums"].items():
            into.sums[name] = into.sums.get(name, 0) + off


def user_difference_to_row(difference: UserDifference) -> dict[str, Any]:
    """Returns the values of a learner's row."""
    rows = [asdict(row) for row in difference.rows]
    return {"user_id": difference.user_id, "row_count": difference.row_count, "rows": rows}


def user_difference_from_row(row: Any) -> UserDifference:
    """Returns what a learner's row says."""
    return UserDifference(row.user_id, row.row_count, [Difference(**each) for each in row.rows])
