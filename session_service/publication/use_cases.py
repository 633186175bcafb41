"""Publishes rows of products, retires products, and shows both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service_kit.call import Call
from service_kit.errors import Fault, FieldsInvalidError
from service_kit.logging import get_logger
from service_kit.once import once
from session_service.application.ports.clock import Clock
from session_service.domain.errors import ProductInUseError, ProductNotFoundError
from session_service.domain.policies import Policy, Product, policy_faults
from session_service.publication.domain import use_conflicts
from session_service.publication.ports import OpenPublication, Publication, PublishedProducts, VersionKey

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many products loading created, gave a new version, and found the same."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


class LoadProducts:
    """Publishes rows, all or none. Idempotent by the call's key, and by what the rows say."""

    def __init__(self, open_publication: OpenPublication, clock: Clock) -> None:
        self._open = open_publication
        self._clock = clock

    async def __call__(self, call: Call, policies: Sequence[Policy], *, validate_only: bool) -> Loaded:
        """Gives changed products a new version; products left out stay as they are.

        Raises FieldsInvalidError for rows that are no policies,
        ProductInUseError for one that stored sessions break, and what `once`
        raises.
        """
        check_policies(policies)

        async def command(publication: Publication) -> Loaded:
            became = Counter([await self._load(publication, policy) for policy in policies])
            return Loaded(became["created"], became["updated"], became["unchanged"])

        if not validate_only:
            return await once(self._open, call, Loaded, command)
        async with self._open() as publication:
            return await command(publication)

    async def _load(self, publication: Publication, policy: Policy) -> str:
        before = await publication.newest(policy.product)
        if before is None:
            await publication.publish(Product(policy, 1, self._clock()))
            return "created"
        if before.policy == policy:
            return "unchanged"
        for conflict in use_conflicts(policy, await publication.use(policy.product)):
            raise ProductInUseError(policy.product, conflict.field, conflict.problem)
        await publication.publish(_next(before, self._clock(), policy=policy))
        return "updated"


def check_policies(policies: Sequence[Policy]) -> None:
    """Raises FieldsInvalidError with everything that keeps rows from being policies."""
    faults = [
        Fault(f"products[{place}].{fault.field}", fault.problem)
        for place, policy in enumerate(policies)
        for fault in policy_faults(policy)
    ]
    counted = Counter(policy.product for policy in policies)
    faults += [
        Fault("products", f"must not have {product} twice") for product, times in counted.items() if times > 1
    ]
    if faults:
        raise FieldsInvalidError(faults)


class RetireProduct:
    """Lets no more sessions of a product be started. Idempotent, also by the call's key."""

    def __init__(self, open_publication: OpenPublication, clock: Clock) -> None:
        self._open = open_publication
        self._clock = clock

    async def __call__(self, call: Call, name: str) -> Product:
        """Returns the retired product. Raises ProductNotFoundError, and what `once` raises."""

        async def command(publication: Publication) -> Product:
            product = await _existing(publication, name)
            if product.retired_at is not None:
                return product
            now = self._clock()
            return await publication.publish(_next(product, now, retired_at=now))

        return await once(self._open, call, Product, command)


class RestoreProduct:
    """Lets sessions of a retired product be started again. Idempotent, also by the call's key."""

    def __init__(self, open_publication: OpenPublication, clock: Clock) -> None:
        self._open = open_publication
        self._clock = clock

    async def __call__(self, call: Call, name: str) -> Product:
        """Returns the product. Raises ProductNotFoundError, and what `once` raises."""

        async def command(publication: Publication) -> Product:
            product = await _existing(publication, name)
            if product.retired_at is None:
                return product
            return await publication.publish(_next(product, self._clock(), retired_at=None))

        return await once(self._open, call, Product, command)


def _next(product: Product, now: datetime, **changes: object) -> Product:
    return replace(product, version=product.version + 1, published_at=now, **changes)  # type: ignore[arg-type]


async def _existing(publication: Publication, name: str) -> Product:
    product = await publication.newest(name)
    if product is None:
        raise ProductNotFoundError(name)
    return product


class ListProducts:
    """Reads versions of products."""

    def __init__(self, published: PublishedProducts) -> None:
        self._published = published

    async def __call__(
        self, *, product: str, newest_only: bool, after: VersionKey | None, limit: int
    ) -> Sequence[Product]:
        """Returns at most `limit` versions after one, by product and number."""
        return await self._published.versions(
            product=product, newest_only=newest_only, after=after, limit=limit
        )


class GetProduct:
    """Reads a product by its newest version."""

    def __init__(self, published: PublishedProducts) -> None:
        self._published = published

    async def __call__(self, name: str) -> Product:
        """Returns the product. Raises ProductNotFoundError."""
        found = await self._published.versions(product=name, newest_only=True, after=None, limit=1)
        if not found:
            raise ProductNotFoundError(name)
        return found[0]
