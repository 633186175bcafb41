"""Shows one exercise."""

from __future__ import annotations

from catalog_service.application.ports import Exercise, UnitOfWorkFactory
from service_kit.errors import NotFoundError


class GetExercise:
    """Returns an exercise without its answers."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, exercise_id: int) -> Exercise:
        """Raises NotFoundError with ITEM_NOT_FOUND for an unknown number."""
        async with self._units() as unit:
            exercise = await unit.exercises.get(exercise_id)
        if exercise is None:
            raise NotFoundError(
                "There is no such exercise", reason="ITEM_NOT_FOUND", item=f"exercises/{exercise_id}"
            )
        return exercise
