"""Grades answers against the keys of their items."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The accepted answers to an item, the one to show first, and a hint for those who were wrong."""

    item: str
    accepted: tuple[str, ...]
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Grade:
    """What a learner is told about an answer."""

    correct: bool
    correct_answer: str
    feedback: str


def normalise(text: str) -> str:
    """Returns the form in which answers are compared.

    It is NFC, case folded, with the plain one of each kind of apostrophe,
    quote, dash, width and white space: keyboards choose those, learners do
    not. Accents count: they are letters of their own to a learner. Case
    folding and widths can undo composition, hence the later NFCs.
    """
    folded = _compose(_compose(text).casefold())
    plain = "".join(map(_plain, folded)) if not folded.isascii() else folded.translate(_KINDS)
    return " ".join(_compose(plain).split())


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", text)


# The first of each row stands for all of it.
_ALIKE = (
    "'`\u00b4\u02b9\u02bb\u02bc\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a",
    '"\u00ab\u00bb\u201c\u201d\u201e\u201f\u2033\u2036\u301d\u301e\u301f',
    "-\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63",
)
_KINDS = {ord(kind): row[0] for row in _ALIKE for kind in row[1:]}


@lru_cache(4_096)
def _plain(character: str) -> str:
    """Returns the plain one of a character's kind, itself when it is of none."""
    kind = unicodedata.decomposition(character).partition(" ")[0]
    ordinary = unicodedata.normalize("NFKC", character) if kind in ("<wide>", "<narrow>") else character
    return ordinary.translate(_KINDS)


def grade(key: AnswerKey, text: str) -> Grade:
    """Returns whether an answer equals one of the accepted ones, and what to say about it."""
    shown = key.accepted[0]
    given = normalise(text)
    if any(given == normalise(accepted) for accepted in key.accepted):
        return Grade(True, shown, "Correct!")
    feedback = f"Not quite: the answer is '{shown}'."
    return Grade(False, shown, f"{feedback} {key.explanation}".strip())
