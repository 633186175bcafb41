"""Takes exercises from their authors."""

from __future__ import annotations

from collections import abc

from catalog_service.application.loading import refuse_duplicates
from catalog_service.application.ports import LoadCounts, UnitOfWorkFactory
from catalog_service.domain.items import ExerciseContent


class LoadExercises:
    """Creates or replaces exercises, all or none. Loading the same again changes nothing."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, contents: abc.Sequence[ExerciseContent]) -> LoadCounts:
        """Raises FieldInvalidError when one comes twice."""
        refuse_duplicates(
            "Exercise", (content.exercise.exercise_id for content in contents), field="exercises.exercise_id"
        )
        async with self._units() as unit:
            counts = await unit.exercises.put(contents)
            await unit.commit()
        return counts
