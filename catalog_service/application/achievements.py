"""Lists and loads achievements."""

from __future__ import annotations

from collections.abc import Sequence

from catalog_service.application.ports.contents import LoadCounts
from catalog_service.application.ports.unit_of_work import UnitOfWorkFactory
from catalog_service.domain.contents import Achievement
from catalog_service.domain.errors import refuse_duplicates


class ListAchievements:
    """Returns a product's achievements by id."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, product: str) -> Sequence[Achievement]:
        """Returns none for an unknown product: which products there are is not the catalog's to know."""
        async with self._units() as unit:
            return await unit.achievements.of_product(product)


class LoadAchievements:
    """Creates or replaces achievements, all or none. Loading the same again changes nothing."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, achievements: Sequence[Achievement]) -> LoadCounts:
        """Raises FieldInvalidError when one comes twice."""
        refuse_duplicates(
            "Achievement",
            (achievement.achievement_id for achievement in achievements),
            field="achievements.achievement_id",
        )
        async with self._units() as unit:
            counts = await unit.achievements.put(achievements)
            await unit.commit()
        return counts
