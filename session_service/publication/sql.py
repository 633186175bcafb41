"""Rows of products in the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import func, insert, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service_kit.db.idempotency import IdempotencyRecord
from session_service.adapters.db import tables
from session_service.adapters.db.policies import policy_to_json
from session_service.adapters.db.products import PRODUCT_COLUMNS, product_from_row
from session_service.domain.policies import Product
from session_service.domain.states import State
from session_service.publication.domain import StoredUse
from session_service.publication.ports import Publication, PublishedProducts, VersionKey

_version = tables.product_version

# Whoever publishes waits for whoever publishes; those who read wait for nobody.
_LOCK = text("LOCK TABLE session.product_version IN SHARE ROW EXCLUSIVE MODE")
_NEWEST = select(*PRODUCT_COLUMNS).order_by(_version.c.version.desc()).limit(1)
_ENDED_AND_PRACTISED = text(
    """
    SELECT coalesce(array_agg(DISTINCT state) FILTER (WHERE ended_at IS NOT NULL), '{}') AS outcomes,
        coalesce(array_agg(DISTINCT split_part(content, '/', 1)) FILTER (WHERE content <> ''), '{}') AS kinds
    FROM session.practice_session WHERE product = :product
    """
)
_OPEN = text(
    """
    SELECT coalesce(array_agg(DISTINCT mode), '{}') AS modes, min(planned_seconds) AS shortest,
        max(planned_seconds) AS longest, coalesce(max(elapsed_seconds), 0) AS elapsed,
        coalesce(bool_or(content = ''), false) AS contentless,
        coalesce(bool_or(planned_seconds IS NULL), false) AS planless,
        coalesce(bool_or(open_slot IS NULL), false) AS slotless
    FROM session.practice_session WHERE product = :product AND ended_at IS NULL
    """
)


class SqlPublication(Publication):
    """Works on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._idempotency = IdempotencyRecord(connection, tables.idempotency)

    @property
    def idempotency(self) -> IdempotencyRecord:
        """The answers to requests that may be sent again."""
        return self._idempotency

    async def newest(self, product: str) -> Product | None:
        """Selects the newest version, and lets nobody else publish until the end."""
        await self._connection.execute(_LOCK)
        row = (await self._connection.execute(_NEWEST.where(_version.c.product == product))).first()
        return product_from_row(row) if row else None

    async def use(self, product: str) -> StoredUse:
        """Looks through the product's sessions, which takes about a second for some millions."""
        stored = (await self._connection.execute(_ENDED_AND_PRACTISED, {"product": product})).one()
        unended = (await self._connection.execute(_OPEN, {"product": product})).one()
        return StoredUse(
            outcomes=frozenset(map(State, stored.outcomes)),
            kinds=frozenset(stored.kinds),
            open_modes=frozenset(unended.modes),
            shortest_planned=unended.shortest,
            longest_planned=unended.longest,
            longest_elapsed=unended.elapsed,
            open_without_content=unended.contentless,
            open_without_plan=unended.planless,
            open_without_slot=unended.slotless,
        )

    async def publish(self, product: Product) -> Product:
        """Inserts a version."""
        values = {
            "product": product.name,
            "version": product.version,
            "policy": policy_to_json(product.policy),
            "published_at": product.published_at,
            "retired_at": product.retired_at,
        }
        statement = insert(_version).values(values).returning(*PRODUCT_COLUMNS)
        return product_from_row((await self._connection.execute(statement)).one())

    async def commit(self) -> None:
        """Commits."""
        await self._connection.commit()


class SqlPublishedProducts(PublishedProducts):
    """Opens publications, and reads versions on short connections."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SqlPublication]:
        """Yields a publication; leaving it without a commit undoes it."""
        async with self._engine.connect() as connection:
            yield SqlPublication(connection)

    async def versions(
        self, *, product: str, newest_only: bool, after: VersionKey | None, limit: int
    ) -> Sequence[Product]:
        """Selects by the primary key."""
        key = tuple_(_version.c.product, _version.c.version)
        statement = select(*PRODUCT_COLUMNS).order_by(_version.c.product, _version.c.version).limit(limit)
        if product:
            statement = statement.where(_version.c.product == product)
        if newest_only:
            newest = select(_version.c.product, func.max(_version.c.version)).group_by(_version.c.product)
            statement = statement.where(key.in_(newest))
        if after is not None:
            statement = statement.where(key > tuple_(*after))
        async with self._engine.connect() as connection:
            return [product_from_row(row) for row in await connection.execute(statement)]
