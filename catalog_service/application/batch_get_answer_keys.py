"""Tells the session service which answers are right."""

from __future__ import annotations

from collections.abc import Sequence

from catalog_service.application.names import ids_by_kind, parse_names
from catalog_service.application.ports import UnitOfWorkFactory
from catalog_service.domain.items import AnswerKey


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
