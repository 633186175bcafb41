"""Lists exercises page by page."""

from __future__ import annotations

from catalog_service.application.ports import UnitOfWorkFactory
from catalog_service.domain.items import Exercise
from service_kit.paging import Page, PageRequest


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
