"""Asks the catalog service what there is to practise."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import TypeVar

import grpc
from cachetools import TTLCache
from practice.catalog.v1 import catalog_service_pb2 as catalog_pb2
from practice.catalog.v1.catalog_service_pb2_grpc import CatalogAdminServiceStub

from service_kit.errors import NotFoundError, UnavailableError
from service_kit.grpc.channels import INTERNAL_KEY
from service_kit.request_ids import with_request_id
from session_service.application.ports.catalog import Catalog, Content
from session_service.domain.achievements import Achievement
from session_service.domain.grading import AnswerKey
from session_service.domain.items import ContentItem

Answer = TypeVar("Answer")

_DEADLINE_SECONDS = 3.0
_CACHED_KEYS = 20_000
_CACHED_PRODUCTS = 100
_MOST_NAMES = 1_000


class CatalogClient(Catalog):
    """The catalog over gRPC. Answer keys seldom change and are kept for a minute."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        internal_token: str,
        *,
        keep_seconds: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stub = CatalogAdminServiceStub(channel)
        self._metadata = ((INTERNAL_KEY, internal_token),)
        self._keys: TTLCache[str, AnswerKey] = TTLCache(_CACHED_KEYS, keep_seconds, timer=monotonic)
        self._achievements: TTLCache[str, Sequence[Achievement]] = TTLCache(
            _CACHED_PRODUCTS, keep_seconds, timer=monotonic
        )

    async def answer_keys(self, items: Iterable[str]) -> Mapping[str, AnswerKey]:
        """Returns the keys of the items that exist, from memory where it has them."""
        found: dict[str, AnswerKey] = {}
        missing: list[str] = []
        for item in items:
            key = self._keys.get(item)
            if key is None:
                missing.append(item)
            else:
                found[item] = key
        for some in _thousands(missing):
            found.update(await self._fetch(some))
        return found

    async def content(self, name: str) -> Content | None:
        """Asks for one name."""
        return (await self.find_contents([name])).get(name)

    async def find_contents(self, names: Iterable[str]) -> Mapping[str, Content]:
        """Asks for names, a thousand at a time."""
        found: dict[str, Content] = {}
        for some in _thousands(names):
            response = await self._ask(self._stub.FindContent, catalog_pb2.FindContentRequest(names=some))
            for content in response.contents:
                made = content.create_time.ToDatetime(UTC) if content.HasField("create_time") else None
                found[content.name] = Content(content.name, content.title, content.type, made)
        return found

    async def content_items(self, content: str) -> Sequence[ContentItem]:
        """Asks for an activity's items; one that is not there has none."""
        request = catalog_pb2.ListContentItemsRequest(content=content)
        try:
            response = await self._ask(self._stub.ListContentItems, request)
        except NotFoundError:
            return []
        return [ContentItem(item.item, item.prompt, frozenset(item.difficulties)) for item in response.items]

    async def achievements(self, product: str) -> Sequence[Achievement]:
        """Asks for a product's achievements, once a minute."""
        known = self._achievements.get(product)
        if known is not None:
            return known
        request = catalog_pb2.ListAchievementsRequest(product=product)
        response = await self._ask(self._stub.ListAchievements, request)
        found = tuple(
            Achievement(
                each.achievement_id, each.type, each.title, each.description, each.metric, each.threshold
            )
            for each in response.achievements
        )
        self._achievements[product] = found
        return found

    async def _fetch(self, items: list[str]) -> Mapping[str, AnswerKey]:
        request = catalog_pb2.BatchGetAnswerKeysRequest(items=items)
        response = await self._ask(self._stub.BatchGetAnswerKeys, request)
        keys = {
            key.item: AnswerKey(key.item, tuple(key.accepted_answers), key.explanation)
            for key in response.answer_keys
        }
        self._keys.update(keys)
        return keys

    async def _ask(self, method: Callable[..., Awaitable[Answer]], request: object) -> Answer:
        """Calls the catalog. Raises NotFoundError as it does, else UnavailableError."""
        try:
            return await method(request, timeout=_DEADLINE_SECONDS, metadata=with_request_id(self._metadata))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise NotFoundError(error.details() or "not found", reason="CONTENT_NOT_FOUND") from error
            raise UnavailableError("The catalog does not answer; try again", part="catalog") from error


def _thousands(names: Iterable[str]) -> Iterator[list[str]]:
    """Yields the names in parts as large as the catalog takes."""
    left = list(names)
    for first in range(0, len(left), _MOST_NAMES):
        yield left[first : first + _MOST_NAMES]
