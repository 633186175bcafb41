"""Tells the session service what there is to answer in an activity."""

from __future__ import annotations

from collections.abc import Sequence

from catalog_service.application.names import numbers_among, parse_names
from catalog_service.application.ports import UnitOfWorkFactory
from catalog_service.domain.errors import ContentNotFoundError
from catalog_service.domain.items import ContentItem


class ListContentItems:
    """Returns the items of an activity in their author's order, without their answers."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, content: str) -> Sequence[ContentItem]:
        """Raises ContentNotFoundError for what is no activity: every activity has an item."""
        items: Sequence[ContentItem] = ()
        async with self._units() as unit:
            for name in parse_names([content]):
                for number in numbers_among([name.id]) if name.kind == "activities" else ():
                    items = await unit.words.items(number)
        if not items:
            raise ContentNotFoundError(content)
        return items
