"""How a session starts, and what a product does not let start."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from session_service.domain.days import Calendar
from session_service.domain.errors import (
    ContentMismatchError,
    DurationOutOfRangeError,
    ModeUnknownError,
    ProductRetiredError,
)
from session_service.domain.policies import Bounds
from session_service.domain.states import State
from tests.session_service.domain.sessions import PRODUCTS, START, started
from tests.session_service.products import SHIPPED_PRODUCTS


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_new_session_is_active_and_empty(product: str) -> None:
    session = started(product, calendar=Calendar("Asia/Kolkata", 4))
    assert session.state is State.ACTIVE
    assert (session.started_at, session.active_since, session.updated_at) == (START, START, START)
    assert (session.ended_at, session.local_date, session.draft_saved_at) == (None, None, None)
    assert (session.answer_count, session.correct_answer_count, session.message_count) == (0, 0, 0)
    assert (session.elapsed_seconds, session.implausible, session.user_seq) == (0, False, 0)
    assert (session.version, session.etag) == (1, '"1"')
    assert (session.time_zone, session.rollover_hour) == ("Asia/Kolkata", 4)
    assert session.draft_hash == "d41d8cd98f00b204e9800998ecf8427e"
    assert not session.counts


def test_a_retired_product_does_not_start_from_that_instant_on() -> None:
    retired = replace(SHIPPED_PRODUCTS["yoga"], retired_at=START)
    with pytest.raises(ProductRetiredError) as refused:
        started("yoga", product=retired)
    assert refused.value.metadata == {"product": "yoga"}
    # A device that was away may have started it before.
    earlier = START - timedelta(seconds=1)
    assert started("yoga", product=retired, now=earlier).state is State.ACTIVE


def test_a_session_goes_on_by_the_version_that_it_began_with() -> None:
    product = SHIPPED_PRODUCTS["yoga"]
    strict = replace(product, version=7, policy=replace(product.policy, elapsed_bounds=Bounds(0, 10)))
    session = started("yoga", product=strict)
    assert (session.product, session.policy_version, session.policy) == ("yoga", 7, strict.policy)
    with pytest.raises(DurationOutOfRangeError):
        session.pause(now=START, reported=11)


@pytest.mark.parametrize(("asked", "started_as"), [("", "practice"), ("review", "review"), ("test", "test")])
def test_exercises_start_in_the_mode_asked_for_or_in_practice(asked: str, started_as: str) -> None:
    assert started("exercises", mode=asked).mode == started_as


@pytest.mark.parametrize("mode", ["exam", "Practice", " practice"])
def test_an_unknown_mode_is_refused_and_told_what_there_is(mode: str) -> None:
    with pytest.raises(ModeUnknownError) as refused:
        started("exercises", mode=mode)
    assert refused.value.metadata == {"mode": mode, "allowed": "practice, review, test"}


@pytest.mark.parametrize("product", ["portal", "yoga", "focus", "design"])
def test_a_product_without_modes_takes_none(product: str) -> None:
    assert started(product).mode == ""
    with pytest.raises(ModeUnknownError):
        started(product, mode="practice")


@pytest.mark.parametrize(
    ("product", "content"),
    [
        ("exercises", "activities/1"),
        ("exercises", "/1"),
        ("focus", "problems/1"),
        ("portal", ""),
        ("portal", "problems/1"),
        ("portal", "activitiesx/1"),
        ("yoga", "activities/1"),
        ("design", ""),
        ("design", "sequences/1"),
    ],
)
def test_content_of_another_kind_or_none_where_some_is_needed_is_refused(product: str, content: str) -> None:
    with pytest.raises(ContentMismatchError) as refused:
        started(product, content=content)
    assert refused.value.metadata == {"product": product}


@pytest.mark.parametrize(
    ("product", "content"),
    [
        ("exercises", ""),
        ("portal", "activities/123"),
        ("yoga", ""),
        ("yoga", "sequences/123"),
        ("focus", ""),
        ("design", "problems/9"),
    ],
)
def test_content_of_the_products_kind_is_kept(product: str, content: str) -> None:
    assert started(product, content=content).content == content


@pytest.mark.parametrize("planned", [60, 1500, 86_400])
def test_a_focus_session_is_planned_for_a_minute_to_a_day(planned: int) -> None:
    assert started("focus", planned_seconds=planned).planned_seconds == planned


@pytest.mark.parametrize("planned", [None, -1, 0, 59, 86_401])
def test_a_focus_session_planned_for_less_or_more_does_not_start(planned: int | None) -> None:
    with pytest.raises(DurationOutOfRangeError) as refused:
        started("focus", planned_seconds=planned)
    assert refused.value.metadata == {"field": "planned_duration", "minimum": "60", "maximum": "86400"}


@pytest.mark.parametrize("product", ["exercises", "portal", "yoga", "design"])
def test_a_product_that_asks_for_no_plan_keeps_none(product: str) -> None:
    assert started(product, planned_seconds=5).planned_seconds is None


@pytest.mark.parametrize(
    ("product", "slot"),
    [
        ("exercises", None),
        ("portal", None),
        ("yoga", None),
        ("focus", "focus"),
        ("design", "design:problems/7"),
    ],
)
def test_open_sessions_share_a_slot_where_the_product_allows_one(product: str, slot: str | None) -> None:
    session = started(product)
    assert session.open_slot == slot
    assert session.pause(now=START + timedelta(seconds=1)).open_slot == slot


def test_two_problems_have_two_slots() -> None:
    assert (
        started("design", content="problems/1").open_slot != started("design", content="problems/2").open_slot
    )
