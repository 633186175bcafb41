"""What stored sessions let a new row say."""

from __future__ import annotations

from typing import Any

import pytest

from session_service.domain.policies import Bounds, OpenScope, Policy
from session_service.domain.states import State
from session_service.publication.domain import StoredUse, use_conflicts

ALL_ENDS = frozenset({State.COMPLETED, State.PARTIAL, State.ABANDONED})


@pytest.mark.parametrize(
    ("row", "use", "fields"),
    [
        ({}, {"outcomes": ALL_ENDS}, ["outcomes"]),
        ({"outcomes": ALL_ENDS}, {"outcomes": ALL_ENDS}, []),
        ({}, {"kinds": frozenset({"sequences"})}, ["content"]),
        ({"content": "activities"}, {"kinds": frozenset({"sequences"})}, ["content"]),
        ({"content": "sequences"}, {"kinds": frozenset({"sequences"})}, []),
        (
            {"content": "sequences", "content_required": True},
            {"open_without_content": True},
            ["content_required"],
        ),
        ({"content": "sequences"}, {"open_without_content": True}, []),
        ({"modes": ("blitz",)}, {"open_modes": frozenset({"blitz", "rapid"})}, ["modes"]),
        # Sessions of a time without modes have none.
        ({"modes": ("blitz",)}, {"open_modes": frozenset({""})}, []),
        ({"open_scope": OpenScope.ONE_PER_USER}, {"open_without_slot": True}, ["open_sessions"]),
        ({}, {"open_without_slot": True}, []),
        ({"elapsed_bounds": Bounds(0, 59)}, {"longest_elapsed": 60}, ["max_elapsed_seconds"]),
        ({"elapsed_bounds": Bounds(0, 60)}, {"longest_elapsed": 60}, []),
        ({"planned": Bounds(10, 60)}, {"open_without_plan": True}, ["max_planned_seconds"]),
        (
            {"planned": Bounds(10, 60)},
            {"shortest_planned": 9, "longest_planned": 60},
            ["min_planned_seconds"],
        ),
        (
            {"planned": Bounds(10, 60)},
            {"shortest_planned": 10, "longest_planned": 61},
            ["max_planned_seconds"],
        ),
        ({"planned": Bounds(10, 60)}, {"shortest_planned": 10, "longest_planned": 60}, []),
        ({}, {"shortest_planned": 10, "longest_planned": 60}, []),
    ],
)
def test_a_row_has_to_have_what_stored_sessions_have(
    row: dict[str, Any], use: dict[str, Any], fields: list[str]
) -> None:
    conflicts = use_conflicts(Policy("chess", **row), StoredUse(**use))
    assert [conflict.field for conflict in conflicts] == fields


def test_a_product_without_sessions_may_become_anything() -> None:
    policy = Policy("chess", content="problems", content_required=True, planned=Bounds(1, 2))
    assert list(use_conflicts(policy, StoredUse())) == []
