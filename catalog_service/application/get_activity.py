"""Shows one activity."""

from __future__ import annotations

from catalog_service.application.ports import UnitOfWorkFactory
from catalog_service.domain.contents import CountedActivity
from catalog_service.domain.errors import ContentNotFoundError


class GetActivity:
    """Returns an activity without its words."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, activity_id: int) -> CountedActivity:
        """Raises ContentNotFoundError for an unknown number."""
        async with self._units() as unit:
            activity = await unit.activities.get(activity_id)
        if activity is None:
            raise ContentNotFoundError(f"activities/{activity_id}")
        return activity
