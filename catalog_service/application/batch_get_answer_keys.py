"""Tells the session service which answers are right."""

from __future__ import annotations

from collections.abc import Sequence

from catalog_service.application.names import numbers_by_kind, parse_names
from catalog_service.application.ports import AnswerKey, UnitOfWorkFactory


class BatchGetAnswerKeys:
    """Returns the answer keys of items such as `exercises/123`."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, items: Sequence[str]) -> list[tuple[str, AnswerKey]]:
        """Returns items with their keys in the order asked for; unknown items are left out."""
        names = parse_names(items)
        found: dict[str, AnswerKey] = {}
        async with self._units() as unit:
            for kind, numbers in numbers_by_kind(names).items():
                if kind in unit.kinds:
                    keys = await unit.kinds[kind].answer_keys(numbers)
                    found.update({f"{kind}/{number}": key for number, key in keys.items()})
        return [(str(name), found[str(name)]) for name in names if str(name) in found]
