"""The names learners go by."""

from __future__ import annotations

import re

import pytest

from stats_service.leaderboards.domain import anonymous_alias, is_alias, is_anonymous_form

KEY = bytes(range(32))


def test_an_anonymous_name_stays_and_is_hardly_ever_anothers() -> None:
    names = [anonymous_alias(number, KEY) for number in range(1, 5_000)]
    assert names == [anonymous_alias(number, KEY) for number in range(1, 5_000)]
    assert all(re.fullmatch(r"Learner [0-9A-F]{4}", name) for name in names)
    assert all(is_alias(name) and is_anonymous_form(name) for name in names)
    assert len(set(names)) > 4_000


def test_who_tries_all_accounts_without_the_key_finds_nobody() -> None:
    names = [anonymous_alias(number, KEY) for number in range(1, 5_000)]
    tried = [anonymous_alias(number, b"another key") for number in range(1, 5_000)]
    # One in 65,536 is right by chance.
    assert sum(map(str.__eq__, names, tried)) < 10


@pytest.mark.parametrize(
    "text", ["A", "x" * 40, "Ana María", "日本語", "👩‍🚀 Zoë", "مريم", "می‌خواهم", "4F2A"]
)
def test_names_of_all_writings_are_taken(text: str) -> None:
    assert is_alias(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 41,
        " Ana",
        "Ana ",
        "A\nB",
        "A\0B",
        "\u202eanA",
        "\u200b",
        "\u00a0",
        "A\u2028B",
        "\ud800",
        "\u3164",
        "\u2800",
    ],
    ids=ascii,
)
def test_what_cannot_be_shown_in_a_line_is_no_name(text: str) -> None:
    assert not is_alias(text)


@pytest.mark.parametrize(
    "text",
    [
        "Learner 216E",
        "learner 216e",
        "LEARNER\u00a0216E",
        "Learner216E",
        "Lear\u200bner 216E",
        "\uff2cearner 216E",
    ],
    ids=ascii,
)
def test_what_looks_like_an_anonymous_name_is_one(text: str) -> None:
    assert is_anonymous_form(text)


@pytest.mark.parametrize("text", ["Learner", "Learner 216", "Learner 216EF", "A Learner 216E", "Learner Zoë"])
def test_other_names_of_learners_are_free(text: str) -> None:
    assert not is_anonymous_form(text)
