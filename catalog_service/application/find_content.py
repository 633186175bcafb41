"""Tells the session service what exists."""

from __future__ import annotations

from collections.abc import Sequence

from catalog_service.application.names import numbers_by_kind, parse_names
from catalog_service.application.ports import UnitOfWorkFactory


class FindContent:
    """Returns which names, such as `exercises/123`, are in the catalog."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, names: Sequence[str]) -> list[str]:
        """Returns the names that exist, in the order asked for."""
        asked = parse_names(names)
        existing: set[str] = set()
        async with self._units() as unit:
            for kind, numbers in numbers_by_kind(asked).items():
                if kind in unit.kinds:
                    existing.update(f"{kind}/{number}" for number in await unit.kinds[kind].existing(numbers))
        return [str(name) for name in asked if str(name) in existing]
