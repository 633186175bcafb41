"""Reads products from their newest rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from sqlalchemy import ARRAY, Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.combiner import Combiner
from service_kit.db.engines import single_statements
from session_service.adapters.db.policies import policy_from_text
from session_service.adapters.db.tables import product_version
from session_service.application.ports.products import Products
from session_service.domain.errors import ProductUnknownError
from session_service.domain.policies import Product

PRODUCT_COLUMNS = (
    cast(product_version.c.policy, Text),
    product_version.c.version,
    product_version.c.published_at,
    product_version.c.retired_at,
)

# Whoever asks, of a few products that there are.
_MOST_TOGETHER = 1000

# Built once, like the statements for sessions.
_NEWEST = (
    select(*PRODUCT_COLUMNS)
    .ext(distinct_on(product_version.c.product))
    .where(product_version.c.product == func.any(bindparam("names", type_=ARRAY(Text))))
    .order_by(product_version.c.product, product_version.c.version.desc())
)


class SqlProducts(Products):
    """Asks the database each time, by the primary key: a row is in force everywhere once it is committed.

    Those who ask while others are told are told together. What can be
    remembered is: the policy of a version, and that a product exists, which it
    does for ever.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = single_statements(engine)
        self._known: set[str] = set()
        self._together = Combiner(self._find_all, most=_MOST_TOGETHER)

    async def find(self, names: Iterable[str]) -> Mapping[str, Product]:
        """Selects the newest versions."""
        # No name of a product has a U+0000, and no text of the database either.
        asked = {name for name in names if "\0" not in name}
        found = await self._together(asked)
        return {name: found[name] for name in asked & found.keys()}

    async def _find_all(self, asked: Sequence[Set[str]]) -> Sequence[Mapping[str, Product]]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(_NEWEST, {"names": list(set().union(*asked))})
            products = [product_from_row(row) for row in rows]
        found = {product.name: product for product in products}
        self._known.update(found)
        return [found] * len(asked)

    async def check_known(self, name: str) -> None:
        """Asks once for each product that there is."""
        if name not in self._known and not await self.find([name]):
            raise ProductUnknownError(name)


def product_from_row(row: Any) -> Product:
    """Returns a row of PRODUCT_COLUMNS as a product."""
    policy, version, published_at, retired_at = row
    return Product(policy_from_text(policy), version, published_at, retired_at)
