"""What the use cases need from the outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from catalog_service.domain import contents
from catalog_service.domain.contents import (
    Achievement,
    Activity,
    ActivityContent,
    Content,
    CountedActivity,
)
from catalog_service.domain.items import AnswerKey, ContentItem, Exercise, ExerciseContent
from catalog_service.domain.problems import Problem, ProblemSelection, Statement
from service_kit import once


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


class Problems(Practised, Protocol):
    """The problems of a unit of work."""

    async def add(self, owner_id: int, owner_email: str, statement: Statement) -> Problem:
        """Makes a problem."""

    async def count_of(self, owner_id: int) -> int:
        """Returns how many problems an account has."""

    async def get(self, problem_id: int) -> Problem | None:
        """Returns one problem, None for an unknown number."""

    async def lock(self, problem_id: int) -> Problem | None:
        """Returns one problem, nobody else's to change until the commit."""

    async def change(self, problem_id: int, statement: Statement) -> Problem:
        """Replaces the statement of a locked problem."""

    async def delete(self, problem_id: int) -> None:
        """Deletes a problem."""

    async def count(self, selection: ProblemSelection) -> int:
        """Returns how many problems there are."""

    async def newest(
        self, selection: ProblemSelection, *, limit: int, before: int | None = None, skip: int = 0
    ) -> Sequence[Problem]:
        """Returns problems, the newest first: those numbered below `before`, without the first `skip`."""

    async def shipped(self, keys: Collection[str]) -> Mapping[str, Problem]:
        """Returns the shipped problems among the keys."""

    async def ship(self, key: str, statement: Statement) -> None:
        """Makes a shipped problem."""


class Idempotency(once.Idempotency, Protocol):
    """The answers to requests that may be sent again, kept for a time."""

    async def forget_old(self) -> int:
        """Deletes keys that are kept no longer; returns how many."""


class UnitOfWork(Protocol):
    """One transaction. Leaving it without a commit undoes it."""

    @property
    def exercises(self) -> Exercises:
        """The exercises."""

    @property
    def activities(self) -> Activities:
        """The activities."""

    @property
    def words(self) -> Words:
        """The words of the activities."""

    @property
    def sequences(self) -> Sequences:
        """The sequences."""

    @property
    def achievements(self) -> Achievements:
        """The achievements."""

    @property
    def problems(self) -> Problems:
        """The problems."""

    @property
    def answered(self) -> Mapping[str, Answered]:
        """Every kind of item by the collection in its names: `words` for `words/en-hello`."""

    @property
    def practised(self) -> Mapping[str, Practised]:
        """Every kind of content by the collection in its names: `activities` for `activities/123`."""

    @property
    def idempotency(self) -> Idempotency:
        """The answers to requests that may be sent again."""

    async def wait_for_other_loads(self) -> None:
        """Keeps out other loads that ask for the same until the commit, once those under way are done."""

    async def commit(self) -> None:
        """Makes the changes last."""


UnitOfWorkFactory = Callable[[], AbstractAsyncContextManager[UnitOfWork]]
