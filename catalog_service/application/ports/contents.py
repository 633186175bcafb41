"""Ports to the tables of exercises, activities, words, sequences and achievements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog_service.domain import contents
from catalog_service.domain.contents import Achievement, Activity, ActivityContent, Content, CountedActivity
from catalog_service.domain.items import AnswerKey, ContentItem, Exercise, ExerciseContent


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """How many of the loaded entries were new, different and the same."""

    created: int
    updated: int
    unchanged: int


class Answered(Protocol):
    """A kind of item that is answered, by the part of its name after the slash."""

    async def answer_keys(self, ids: Collection[str]) -> Mapping[str, AnswerKey]:
        """Returns the answer keys of those that exist."""


class Practised(Protocol):
    """A kind of content that is practised, by number."""

    async def contents(self, numbers: Collection[int]) -> Mapping[int, Content]:
        """Returns those that exist."""


class Exercises(Answered, Protocol):
    """The exercises of a unit of work."""

    async def get(self, exercise_id: int) -> Exercise | None:
        """Returns one exercise, None for an unknown number."""

    async def page(self, after: int, limit: int, difficulty: str) -> Sequence[Exercise]:
        """Returns up to `limit` exercises numbered above `after`; an empty difficulty means all of them."""

    async def put(self, contents: Sequence[ExerciseContent]) -> LoadCounts:
        """Creates or replaces exercises whose numbers all differ."""


class Activities(Practised, Protocol):
    """The activities of a unit of work."""

    async def get(self, activity_id: int) -> CountedActivity | None:
        """Returns one activity, None for an unknown number."""

    async def page(self, after: int, limit: int) -> Sequence[CountedActivity]:
        """Returns up to `limit` activities numbered above `after`."""

    async def with_words(self, numbers: Collection[int]) -> Mapping[int, ActivityContent]:
        """Returns those that exist, with the words that are not withdrawn."""

    async def put(self, activities: Sequence[Activity]) -> None:
        """Creates or replaces activities without their words."""


class Words(Answered, Protocol):
    """The words of a unit of work. Withdrawn ones keep their answer keys and are not listed."""

    async def items(self, activity_id: int) -> Sequence[ContentItem]:
        """Returns the words of an activity in their author's order, none for an unknown number."""

    async def activities_of(self, word_ids: Collection[str]) -> Mapping[str, int]:
        """Returns the activity of each of the words that is not withdrawn."""

    async def put(self, contents: Sequence[ActivityContent]) -> None:
        """Makes these the words of their activities and withdraws the ones they had before."""


class Sequences(Practised, Protocol):
    """The sequences of a unit of work."""

    async def get(self, sequence_id: int) -> contents.Sequence | None:
        """Returns one sequence, None for an unknown number."""

    async def page(self, after: int, limit: int) -> Sequence[contents.Sequence]:
        """Returns up to `limit` sequences numbered above `after`."""

    async def put(self, sequences: Sequence[contents.Sequence]) -> LoadCounts:
        """Creates or replaces sequences whose numbers all differ."""


class Achievements(Protocol):
    """The achievements of a unit of work."""

    async def of_product(self, product: str) -> Sequence[Achievement]:
        """Returns a product's achievements by id."""

    async def put(self, achievements: Sequence[Achievement]) -> LoadCounts:
        """Creates or replaces achievements whose ids all differ."""
