"""Takes exercises from their authors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from catalog_service.application.ports import ExerciseContent, LoadCounts, UnitOfWorkFactory
from service_kit.errors import InvalidArgumentError


class LoadExercises:
    """Creates or replaces exercises, all or none. Loading the same again changes nothing."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, contents: Sequence[ExerciseContent]) -> LoadCounts:
        """Raises InvalidArgumentError with FIELD_INVALID when a number comes twice."""
        numbers = Counter(content.exercise.exercise_id for content in contents)
        number, times = numbers.most_common(1)[0]
        if times > 1:
            raise InvalidArgumentError(
                f"Exercise {number} comes more than once",
                reason="FIELD_INVALID",
                field="exercises.exercise_id",
                rule="unique",
            )
        async with self._units() as unit:
            counts = await unit.exercises.put(contents)
            await unit.commit()
        return counts
