"""What a session achieves by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from session_service.domain.achievements import Achievement, find_achieved
from tests.session_service.domain.sessions import started

SESSION = replace(
    started("portal"),
    answer_count=20,
    correct_answer_count=16,
    answered_item_count=12,
    mastered_item_count=9,
)


def wants(metric: str, threshold: float) -> Achievement:
    return Achievement(f"{metric}-{threshold}", "kind", "Title", "Description", metric, threshold)


@pytest.mark.parametrize(
    ("metric", "reached", "missed"),
    [("success_rate", 0.8, 0.8001), ("answered_items", 12, 13), ("mastered_items", 9, 10)],
)
def test_a_metric_that_reaches_its_threshold_achieves(metric: str, reached: float, missed: float) -> None:
    assert find_achieved(SESSION, [wants(metric, reached), wants(metric, missed)]) == [wants(metric, reached)]


def test_achievements_keep_the_order_of_their_definitions() -> None:
    definitions = [wants("mastered_items", 1), wants("success_rate", 0.1), wants("answered_items", 2)]
    assert find_achieved(SESSION, definitions) == definitions


def test_a_session_without_answers_achieves_nothing() -> None:
    definitions = [wants("success_rate", 0.0001), wants("answered_items", 1), wants("mastered_items", 1)]
    assert find_achieved(started("portal"), definitions) == []


def test_a_metric_of_a_newer_catalog_is_reached_by_nobody() -> None:
    assert find_achieved(SESSION, [wants("moon_phase", 0.1)]) == []
