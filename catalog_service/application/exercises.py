"""Shows, lists and loads exercises."""

from __future__ import annotations

from collections.abc import Sequence

from catalog_service.application.ports.contents import LoadCounts
from catalog_service.application.ports.unit_of_work import UnitOfWorkFactory
from catalog_service.domain.errors import ItemNotFoundError, refuse_duplicates
from catalog_service.domain.items import Exercise, ExerciseContent
from service_kit.paging import Page, PageRequest


class GetExercise:
    """Returns an exercise without its answers."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, exercise_id: int) -> Exercise:
        """Raises ItemNotFoundError for an unknown number."""
        async with self._units() as unit:
            exercise = await unit.exercises.get(exercise_id)
        if exercise is None:
            raise ItemNotFoundError(f"exercises/{exercise_id}")
        return exercise


class ListExercises:
    """Returns the exercises after a page token, by number."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, *, page_size: int, page_token: str, difficulty: str) -> Page[Exercise]:
        """A size of 0 means 20, an empty difficulty all. Raises InvalidArgumentError, PAGE_TOKEN_INVALID."""
        page = PageRequest("ListExercises", page_size, page_token, (difficulty,))
        after = page.number() or 0
        async with self._units() as unit:
            return await page.fill(
                lambda limit: unit.exercises.page(after, limit, difficulty),
                lambda exercise: exercise.exercise_id,
            )


class LoadExercises:
    """Creates or replaces exercises, all or none. Loading the same again changes nothing."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, contents: Sequence[ExerciseContent]) -> LoadCounts:
        """Raises FieldInvalidError when one comes twice."""
        refuse_duplicates(
            "Exercise", (content.exercise.exercise_id for content in contents), field="exercises.exercise_id"
        )
        async with self._units() as unit:
            counts = await unit.exercises.put(contents)
            await unit.commit()
        return counts
