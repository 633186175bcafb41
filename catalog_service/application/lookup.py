"""Finds what names such as `exercises/123` stand for, for the session service."""

from __future__ import annotations

from collections.abc import Sequence

from catalog_service.application.ports.unit_of_work import UnitOfWorkFactory
from catalog_service.domain.contents import Content
from catalog_service.domain.items import AnswerKey
from catalog_service.domain.names import ids_by_kind, numbers_among, parse_names


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


class BatchGetAnswerKeys:
    """Returns the answer keys of items such as `exercises/123` and `words/en-hello`."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, items: Sequence[str]) -> list[tuple[str, AnswerKey]]:
        """Returns items with their keys in the order asked for; unknown items are left out.

        Words that an author withdrew keep their keys: sessions under way hold them.
        """
        names = parse_names(items)
        found: dict[str, AnswerKey] = {}
        async with self._units() as unit:
            for kind, ids in ids_by_kind(names).items():
                if kind in unit.answered:
                    keys = await unit.answered[kind].answer_keys(ids)
                    found.update({f"{kind}/{key_id}": key for key_id, key in keys.items()})
        return [(str(name), found[str(name)]) for name in names if str(name) in found]
