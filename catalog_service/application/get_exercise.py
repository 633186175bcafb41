"""Shows one exercise."""

from __future__ import annotations

from catalog_service.application.ports import UnitOfWorkFactory
from catalog_service.domain.errors import ItemNotFoundError
from catalog_service.domain.items import Exercise


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
