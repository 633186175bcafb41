"""The table of how the products differ, held against their documents row by row."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from session_service.domain.errors import ProductUnknownError
from session_service.domain.policies import (
    POLICIES,
    Bounds,
    Elapsed,
    OpenScope,
    PauseAgain,
    Policy,
    SecondStart,
    policy_of,
)
from session_service.domain.states import State

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


def test_there_are_the_five_products_and_no_others() -> None:
    assert set(POLICIES) == set(DOCUMENTED)


@pytest.mark.parametrize("product", DOCUMENTED)
def test_every_column_of_a_products_row_is_as_documented(product: str) -> None:
    policy = policy_of(product)
    row = {field.name: getattr(policy, field.name) for field in fields(Policy)}
    assert row == {"product": product, "counted": {State.COMPLETED}, **DOCUMENTED[product]}


@pytest.mark.parametrize("product", ["", "Focus", "focus ", "chess"])
def test_a_product_that_does_not_exist_is_refused_by_name(product: str) -> None:
    with pytest.raises(ProductUnknownError) as refused:
        policy_of(product)
    assert refused.value.reason == "PRODUCT_UNKNOWN"
    assert refused.value.metadata == {"product": product}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.product)
def test_every_row_makes_sense(policy: Policy) -> None:
    assert policy.counted <= policy.outcomes
    assert not any(outcome.is_open for outcome in policy.outcomes)
    assert not policy.content_required or policy.content is not None
    assert policy.items is None or policy.open_scope is OpenScope.ANY_NUMBER, (
        "standalone answers need no slot"
    )
    assert policy.open_scope is not OpenScope.ONE_PER_CONTENT or policy.content_required


def test_bounds_include_both_ends() -> None:
    bounds = Bounds(60, 86_400)
    assert [bounds.hold(seconds) for seconds in (59, 60, 86_400, 86_401)] == [False, True, True, False]
