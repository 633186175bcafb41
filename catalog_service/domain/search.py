"""Searches texts for words, whatever the case.

Every word of a query has to occur in the text, also inside of another word.
A database cannot index that for any text, so each text is kept with its grams:
all runs of one to three characters inside its words. A text that lacks a gram
of a word lacks the word; whether one that has them all holds the word, only
the text itself tells.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

_LONGEST_GRAM = 3


def folded(text: str) -> str:
    """Returns the form in which texts are compared: NFC without differences of case. Accents stay."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def query_words(query: str) -> tuple[str, ...]:
    """Returns the folded words of a query, each once."""
    return tuple(dict.fromkeys(folded(query).split()))


def text_grams(text: str) -> list[str]:
    """Returns every gram of a folded text, each once."""
    words = set(text.split())
    return sorted({gram for word in words for size in _sizes() for gram in _runs(word, size)})


def word_grams(words: Iterable[str]) -> list[str]:
    """Returns the fewest grams that a text with all of the folded words has."""
    return sorted({gram for word in words for gram in _runs(word, min(len(word), _LONGEST_GRAM))})


def _sizes() -> range:
    return range(1, _LONGEST_GRAM + 1)


def _runs(word: str, size: int) -> Iterator[str]:
    return (word[start : start + size] for start in range(len(word) - size + 1))
