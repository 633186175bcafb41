"""What the use cases pass around, and what they need from the outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Exercise:
    """An exercise as a learner sees it before answering."""

    exercise_id: int
    prompt: str
    cue: str
    instruction: str
    language: str
    difficulty: str


@dataclass(frozen=True, slots=True)
class ExerciseContent:
    """An exercise with its answers, the one shown to learners first."""

    exercise: Exercise
    accepted_answers: tuple[str, ...]
    explanation: str


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The right answers to an item, the one shown to learners first."""

    accepted_answers: tuple[str, ...]
    explanation: str


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """How many of the loaded entries were new, different and the same."""

    created: int
    updated: int
    unchanged: int


class Kind(Protocol):
    """One kind of what is practised, by number."""

    async def existing(self, numbers: Collection[int]) -> frozenset[int]:
        """Returns those of the numbers that exist."""

    async def answer_keys(self, numbers: Collection[int]) -> Mapping[int, AnswerKey]:
        """Returns the answer keys of those that exist and have one."""


class Exercises(Kind, Protocol):
    """The exercises of a unit of work."""

    async def get(self, exercise_id: int) -> Exercise | None:
        """Returns one exercise, None for an unknown number."""

    async def page(self, after: int, limit: int, difficulty: str) -> Sequence[Exercise]:
        """Returns up to `limit` exercises numbered above `after`; an empty difficulty means all of them."""

    async def put(self, contents: Sequence[ExerciseContent]) -> LoadCounts:
        """Creates or replaces exercises whose numbers all differ."""


class UnitOfWork(Protocol):
    """One transaction. Leaving it without a commit undoes it."""

    @property
    def exercises(self) -> Exercises:
        """The exercises."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Every kind by the collection in its names: `exercises` for `exercises/123`."""

    async def commit(self) -> None:
        """Makes the changes last."""


UnitOfWorkFactory = Callable[[], AbstractAsyncContextManager[UnitOfWork]]
