"""Asks the catalog service what there is to practise."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

import grpc
from practice.catalog.v1 import catalog_service_pb2 as catalog_pb2
from practice.catalog.v1.catalog_service_pb2_grpc import CatalogAdminServiceStub

from service_kit.errors import UnavailableError
from service_kit.grpc.guards import INTERNAL_KEY
from session_service.domain.grading import AnswerKey

_DEADLINE_SECONDS = 3.0
_CACHED_KEYS = 20_000


class CatalogClient:
    """Implements ports.Catalog. Answer keys seldom change and are kept for a minute."""

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
        self._keep = keep_seconds
        self._monotonic = monotonic
        self._keys: OrderedDict[str, tuple[float, AnswerKey]] = OrderedDict()

    async def answer_keys(self, items: Iterable[str]) -> Mapping[str, AnswerKey]:
        """Returns the keys of the items that exist, from memory where it has them."""
        now = self._monotonic()
        found: dict[str, AnswerKey] = {}
        missing: list[str] = []
        for item in items:
            until, key = self._keys.get(item, (0.0, None))
            if key is not None and until > now:
                found[item] = key
            else:
                missing.append(item)
        if missing:
            found.update(await self._fetch(missing, now))
        return found

    async def content_exists(self, content: str) -> bool:
        """Asks for one name."""
        request = catalog_pb2.FindContentRequest(names=[content])
        try:
            response = await self._stub.FindContent(
                request, timeout=_DEADLINE_SECONDS, metadata=self._metadata
            )
        except grpc.aio.AioRpcError as error:
            raise _unavailable() from error
        return content in response.names

    async def _fetch(self, items: list[str], now: float) -> Mapping[str, AnswerKey]:
        request = catalog_pb2.BatchGetAnswerKeysRequest(items=items)
        try:
            response = await self._stub.BatchGetAnswerKeys(
                request, timeout=_DEADLINE_SECONDS, metadata=self._metadata
            )
        except grpc.aio.AioRpcError as error:
            raise _unavailable() from error
        keys = {
            key.item: AnswerKey(key.item, tuple(key.accepted_answers), key.explanation)
            for key in response.answer_keys
        }
        for item, key in keys.items():
            self._keys[item] = (now + self._keep, key)
        while len(self._keys) > _CACHED_KEYS:
            self._keys.popitem(last=False)
        return keys


def _unavailable() -> UnavailableError:
    return UnavailableError("The catalog does not answer; try again", part="catalog")
