"""What can be seen, and what looks the same."""

from __future__ import annotations

import unicodedata

import pytest

from service_kit.visible_text import appearance, is_line, is_visible_line, shows_something

# With a Sinhala and a Persian word that need a joiner, a flag made of tags, a hand with a skin colour.
NAMES = [
    "Ana",
    "ශ්‍රී",
    "می‌خواهم",
    "\U0001f3f4\U000e0067\U000e0062\U000e007f",
    "✍🏽",
    "👩‍🚀",
    "日本語",
    "مريم",
    "7",
    "A\u3164",
]


@pytest.mark.parametrize("text", NAMES, ids=ascii)
def test_what_has_something_to_see_is_seen(text: str) -> None:
    assert is_visible_line(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "\u00a0", "\u3000", "\u2028", "\t", "\0"),
        *(
            "\u3164",
            "\u115f\u1160",
            "\uffa0",
            "\u2800",
            "\u2800 \u2800",
            "\U0001d159",
            "\ufffc",
            "\U00013441",
        ),
        *("\u200b", "\u200c\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u061c", "\u180e", "\u17b4"),
        *("\ufe0f", "\U000e0100", "\U000e0041\U000e007f", "\u202e\u202c", "\u2066\u2069", "\U0001d173"),
        *("\u0301", "\u20dd", "\ue000", "\U0010ffff", "\ufdd0", "\u0378", "\ud800"),
    ],
    ids=ascii,
)
def test_what_shows_nothing_is_not_there(text: str) -> None:
    assert not shows_something(text)
    assert not is_visible_line(text)


@pytest.mark.parametrize(
    "text",
    ["A\nB", "A\0", "A\u2028B", "\u202eanA", "A\u202cB", "\u2067A\u2069", "A\x1b[1mB", "\ud800A"],
    ids=ascii,
)
def test_what_breaks_the_line_or_turns_the_writing_is_in_no_name(text: str) -> None:
    assert shows_something(text)
    assert not is_line(text)
    assert not is_visible_line(text)


@pytest.mark.parametrize(
    "other",
    [
        "ANA",
        "\uff21na",
        "A\u200bna",
        "Ana\u3164",
        "Ana \u200d",
        "\u2800Ana",
        "\U0001d400na",
        "A\ufe0fna",
        "\u200eAna",
    ],
    ids=ascii,
)
def test_names_that_differ_in_what_is_not_seen_look_the_same(other: str) -> None:
    assert appearance(other) == appearance("Ana")


@pytest.mark.parametrize("other", ["Anna", "Aña", "Ann", "A na", "\u0410na", ""])
def test_names_that_can_be_told_apart_stay_apart(other: str) -> None:
    assert appearance(other) != appearance("Ana")


def test_white_space_of_any_kind_and_number_looks_the_same() -> None:
    assert appearance("Ana  María") == appearance("Ana\u00a0María") == appearance(" Ana\u3000Mari\u0301a ")


# All but ideographs and Hangul syllables, which look like themselves, and planes without letters.
CHARACTERS = [
    chr(number)
    for number in range(0x20000)
    if not (0x3400 <= number < 0xA000 or 0xAC00 <= number < 0xE000)
    and unicodedata.category(chr(number)) not in ("Cn", "Co")
]


def test_an_appearance_looks_like_itself() -> None:
    assert [each for each in CHARACTERS if appearance(appearance(each)) != appearance(each)] == []


def test_what_can_be_seen_has_an_appearance() -> None:
    """A name that could be chosen has a form to compare; else any number of people might choose it."""
    assert [each for each in CHARACTERS if is_visible_line(each) and not appearance(each)] == []
