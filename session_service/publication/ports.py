"""Where rows of products are published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from service_kit.once import Idempotency
from session_service.domain.policies import Product
from session_service.publication.domain import StoredUse

# A version, by product and number.
VersionKey = tuple[str, int]


class Publication(Protocol):
    """One transaction on the rows of products; nobody else publishes while it lasts."""

    @property
    def idempotency(self) -> Idempotency:
        """The answers to requests that may be sent again."""

    async def newest(self, product: str) -> Product | None:
        """Returns the newest version of a product, None when there is none."""

    async def use(self, product: str) -> StoredUse:
        """Returns what the stored sessions of a product have."""

    async def publish(self, product: Product) -> Product:
        """Stores a new version and returns it with the instant of its publication."""

    async def commit(self) -> None:
        """Makes the work durable."""


OpenPublication = Callable[[], AbstractAsyncContextManager[Publication]]


class PublishedProducts(Protocol):
    """Reads of what was published."""

    async def versions(
        self, *, product: str, newest_only: bool, after: VersionKey | None, limit: int
    ) -> Sequence[Product]:
        """Returns at most `limit` versions after one, by product and number; of one product when named."""
