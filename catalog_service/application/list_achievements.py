"""Tells the session service what a single session can achieve."""

from __future__ import annotations

from collections.abc import Sequence

from catalog_service.application.ports import UnitOfWorkFactory
from catalog_service.domain.contents import Achievement


class ListAchievements:
    """Returns a product's achievements by id."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, product: str) -> Sequence[Achievement]:
        """Returns none for an unknown product: which products there are is not the catalog's to know."""
        async with self._units() as unit:
            return await unit.achievements.of_product(product)
