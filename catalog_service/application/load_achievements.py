"""Takes achievements from their authors."""

from __future__ import annotations

from collections import abc

from catalog_service.application.loading import refuse_duplicates
from catalog_service.application.ports import LoadCounts, UnitOfWorkFactory
from catalog_service.domain.contents import Achievement


class LoadAchievements:
    """Creates or replaces achievements, all or none. Loading the same again changes nothing."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, achievements: abc.Sequence[Achievement]) -> LoadCounts:
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
