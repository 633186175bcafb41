"""The items of a session: which are picked, and how each of them went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

DEFAULT_DIFFICULTY = "medium"
DEFAULT_COUNT = 20
# Who took longer was away.
LONGEST_IN_AVERAGES_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class ContentItem:
    """An item as the catalog offers it; `difficulties` are those it suits."""

    item: str
    prompt: str
    difficulties: frozenset[str]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items of the content to practise."""

    difficulty: str = DEFAULT_DIFFICULTY
    count: int = DEFAULT_COUNT

    def pick(self, offered: Sequence[ContentItem]) -> list[ContentItem]:
        """Returns the items to practise, in the order they are offered.

        The first ones of the difficulty; when they are too few, the first of
        the others fill up.
        """
        suiting = [item for item in offered if self.difficulty in item.difficulties]
        others = [item for item in offered if self.difficulty not in item.difficulties]
        picked = {item.item for item in [*suiting, *others][: self.count]}
        return [item for item in offered if item.item in picked]


@dataclass(frozen=True, slots=True)
class SessionItem:
    """An item of a session and how it went; `position` counts from 1, 0 where none was picked.

    `correct_answer` is empty until the item was answered.
    """

    position: int
    item: str
    prompt: str
    correct_answer: str = ""
    attempt_count: int = 0
    correct_attempt_count: int = 0

    @property
    def mastered(self) -> bool:
        """Whether it was answered and every answer was right."""
        return 0 < self.attempt_count == self.correct_attempt_count

    def record_answer(self, *, correct: bool, correct_answer: str) -> SessionItem:
        """Returns the item with one more answer."""
        return replace(
            self,
            correct_answer=correct_answer,
            attempt_count=self.attempt_count + 1,
            correct_attempt_count=self.correct_attempt_count + correct,
        )
