"""Tells the session service what exists."""

from __future__ import annotations

from collections.abc import Sequence

from catalog_service.application.names import ids_by_kind, numbers_among, parse_names
from catalog_service.application.ports import UnitOfWorkFactory
from catalog_service.domain.contents import Content


class FindContent:
    """Returns which names, such as `activities/123`, are in the catalog, and what they name."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, names: Sequence[str]) -> list[tuple[str, Content]]:
        """Returns the activities, sequences and problems that exist, in the order asked for."""
        asked = parse_names(names)
        existing: dict[str, Content] = {}
        async with self._units() as unit:
            for kind, ids in ids_by_kind(asked).items():
                if kind in unit.practised:
                    found = await unit.practised[kind].contents(numbers_among(ids))
                    existing.update({f"{kind}/{number}": content for number, content in found.items()})
        return [(str(name), existing[str(name)]) for name in asked if str(name) in existing]
