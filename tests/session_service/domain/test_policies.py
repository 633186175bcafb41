"""The table of how the products differ, held against their documents row by row."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from session_service.domain.policies import (
    LARGEST_SECONDS,
    Bounds,
    Elapsed,
    OpenScope,
    PauseAgain,
    Policy,
    Product,
    SecondStart,
    policy_faults,
)
from session_service.domain.states import State
from tests.session_service.products import SHIPPED_PRODUCTS

ANY_LENGTH = Bounds(0, 2**31 - 1)
DONE_OR_GIVEN_UP = {State.COMPLETED, State.ABANDONED}

DOCUMENTED: dict[str, dict[str, Any]] = {
    "exercises": {
        "open_scope": OpenScope.ANY_NUMBER,
        "second_start": SecondStart.REJECT,
        "modes": ("practice", "review", "test"),
        "content": None,
        "content_required": False,
        "items": "exercises",
        "picks_items": False,
        "submits": False,
        "planned": None,
        "elapsed": Elapsed.MEASURED,
        "elapsed_bounds": ANY_LENGTH,
        "pause_again": PauseAgain.NOTHING,
        "counts_unanswered": False,
        "outcomes": DONE_OR_GIVEN_UP,
    },
    "portal": {
        "open_scope": OpenScope.ANY_NUMBER,
        "second_start": SecondStart.REJECT,
        "modes": (),
        "content": "activities",
        "content_required": True,
        "items": "words",
        "picks_items": True,
        "submits": False,
        "planned": None,
        "elapsed": Elapsed.MEASURED,
        "elapsed_bounds": ANY_LENGTH,
        "pause_again": PauseAgain.NOTHING,
        "counts_unanswered": False,
        "outcomes": DONE_OR_GIVEN_UP,
    },
    "yoga": {
        "open_scope": OpenScope.ANY_NUMBER,
        "second_start": SecondStart.REJECT,
        "modes": (),
        "content": "sequences",
        "content_required": False,
        "items": None,
        "picks_items": False,
        "submits": False,
        "planned": None,
        "elapsed": Elapsed.REPORTED,
        "elapsed_bounds": Bounds(0, 4 * 3600),
        "pause_again": PauseAgain.RECORDS_ELAPSED,
        "counts_unanswered": True,
        "outcomes": {State.COMPLETED, State.PARTIAL, State.ABANDONED},
    },
    "focus": {
        "open_scope": OpenScope.ONE_PER_USER,
        "second_start": SecondStart.REJECT,
        "modes": (),
        "content": None,
        "content_required": False,
        "items": None,
        "picks_items": False,
        "submits": False,
        "planned": Bounds(60, 24 * 3600),
        "elapsed": Elapsed.RISING,
        "elapsed_bounds": Bounds(0, 24 * 3600),
        "pause_again": PauseAgain.NOTHING,
        "counts_unanswered": True,
        "outcomes": DONE_OR_GIVEN_UP,
    },
    "design": {
        "open_scope": OpenScope.ONE_PER_CONTENT,
        "second_start": SecondStart.RESUME,
        "modes": (),
        "content": "problems",
        "content_required": True,
        "items": None,
        "picks_items": False,
        "submits": True,
        "planned": None,
        "elapsed": Elapsed.LARGEST,
        "elapsed_bounds": ANY_LENGTH,
        "pause_again": PauseAgain.RECORDS_ELAPSED,
        "counts_unanswered": True,
        "outcomes": DONE_OR_GIVEN_UP,
    },
}


def test_the_five_products_ship_and_no_others() -> None:
    assert set(SHIPPED_PRODUCTS) == set(DOCUMENTED)


@pytest.mark.parametrize("product", DOCUMENTED)
def test_every_column_of_a_products_row_is_as_documented(product: str) -> None:
    policy = SHIPPED_PRODUCTS[product].policy
    row = {field.name: getattr(policy, field.name) for field in fields(Policy)}
    assert row == {"product": product, "counted": {State.COMPLETED}, **DOCUMENTED[product]}


@pytest.mark.parametrize("product", SHIPPED_PRODUCTS.values(), ids=lambda product: product.name)
def test_every_shipped_row_is_a_policy(product: Product) -> None:
    assert list(policy_faults(product.policy)) == []


EVERY_END = frozenset({State.COMPLETED, State.PARTIAL, State.ABANDONED})


@pytest.mark.parametrize(
    ("row", "faults"),
    [
        ({"product": "Chess"}, ["product"]),
        ({"product": "chess-club"}, ["product"]),
        ({"product": "c" * 33}, ["product"]),
        ({"product": "total"}, ["product"]),
        ({"product": "in"}, ["product"]),
        ({"open_scope": OpenScope.ONE_PER_CONTENT, "content": "problems"}, ["open_sessions"]),
        ({"second_start": SecondStart.RESUME}, ["second_start"]),
        ({"modes": ("Blitz",)}, ["modes"]),
        ({"modes": ("blitz", "blitz")}, ["modes"]),
        ({"modes": tuple(f"mode{number}" for number in range(21))}, ["modes"]),
        ({"content": "openings"}, ["content"]),
        ({"content_required": True}, ["content_required"]),
        ({"items": "moves"}, ["items"]),
        ({"picks_items": True, "content": "activities", "items": "words"}, ["picks_items"]),
        ({"picks_items": True, "content": "sequences", "content_required": True}, ["picks_items"]),
        ({"submits": True, "content": "activities", "content_required": True}, ["submits"]),
        ({"planned": Bounds(0, 60)}, ["min_planned_seconds"]),
        ({"planned": Bounds(61, 60)}, ["max_planned_seconds"]),
        ({"elapsed_bounds": Bounds(-1, 60)}, ["min_elapsed_seconds"]),
        ({"elapsed_bounds": Bounds(0, LARGEST_SECONDS + 1)}, ["max_elapsed_seconds"]),
        ({"outcomes": frozenset({State.COMPLETED})}, ["outcomes"]),
        ({"outcomes": EVERY_END | {State.PAUSED}}, ["outcomes"]),
        ({"counted": frozenset()}, ["counted"]),
        ({"counted": frozenset({State.PARTIAL})}, ["counted"]),
        ({"outcomes": EVERY_END, "counted": frozenset({State.ABANDONED})}, ["counted"]),
        ({"outcomes": EVERY_END, "counted": frozenset({State.COMPLETED, State.PARTIAL})}, []),
        ({"open_scope": OpenScope.ONE_PER_USER, "second_start": SecondStart.RESUME}, []),
    ],
)
def test_what_is_no_policy_is_told_by_its_field(row: dict[str, Any], faults: list[str]) -> None:
    policy = Policy(**{"product": "chess", **row})
    assert [fault.field for fault in policy_faults(policy)] == faults


def test_bounds_include_both_ends() -> None:
    bounds = Bounds(60, 86_400)
    assert [bounds.hold(seconds) for seconds in (59, 60, 86_400, 86_401)] == [False, True, True, False]
