"""When an answer is right."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass


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
    """Returns the form in which answers are compared: NFC, case folded, white space collapsed.

    Accents count: they are letters of their own to a learner. Case folding
    can undo composition, hence the second NFC.
    """
    folded = unicodedata.normalize("NFC", text).casefold()
    return " ".join(unicodedata.normalize("NFC", folded).split())


def grade(key: AnswerKey, text: str) -> Grade:
    """Returns whether an answer equals one of the accepted ones, and what to say about it."""
    shown = key.accepted[0]
    given = normalise(text)
    if any(given == normalise(accepted) for accepted in key.accepted):
        return Grade(True, shown, "Correct!")
    feedback = f"Not quite: the answer is '{shown}'."
    return Grade(False, shown, f"{feedback} {key.explanation}".strip())
