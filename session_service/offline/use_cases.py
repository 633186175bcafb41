"""Merges what devices made offline."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from service_kit.call import Call, reach
from service_kit.errors import ServiceError
from session_service.application.account_limits import AccountLimits
from session_service.application.ports.catalog import Catalog
from session_service.application.ports.clock import Clock
from session_service.application.ports.products import Products
from session_service.application.ports.statistics import Statistics
from session_service.offline.domain import (
    ItemResult,
    OfflineAnswer,
    OfflineItem,
    OfflineSession,
    recognise,
    refuse_for,
    weight_of,
)
from session_service.offline.guide import ask_for_guide
from session_service.offline.merge import merge_answers, merge_sessions
from session_service.offline.ports import OfflineUnitOfWork, OfflineUnitOfWorkFactory

# Long enough to be worth a commit, short enough for others to get in between.
# A session weighs one, and one more for each of its answers.
_ITEMS_A_PART = 500
_WEIGHT_OF_A_PART = 2_000

Item = TypeVar("Item", OfflineSession, OfflineAnswer, OfflineItem)
# By their places in the call.
Results = dict[int, ItemResult]
Merge = Callable[[OfflineUnitOfWork, Sequence[Item]], Awaitable[list[ItemResult]]]


@dataclass(frozen=True, slots=True)
class UnreadableItem:
    """An item of which no more is known than why it cannot be read."""

    client_id: str
    error: ServiceError


@dataclass(frozen=True, slots=True)
class Synced:
    """The results in the order sent, and the place of the user's newest event.

    `statistics_pending` while statistics do not include all of it yet.
    """

    results: list[ItemResult]
    user_seq: int
    statistics_pending: bool


class SyncSessions:
    """Merges sessions and answers made offline, each item once and for itself.

    Items are merged in transactions of some hundreds. A call that is broken
    off leaves the commits it made; a repeat knows their items and merges the
    rest. With a key, a repeat of a call that was answered gets that answer.
    Raises UnavailableError, and before anything is merged when the catalog
    does not answer.
    """

    def __init__(
        self,
        unit_of_work: OfflineUnitOfWorkFactory,
        products: Products,
        catalog: Catalog,
        statistics: Statistics,
        clock: Clock,
        *,
        max_age: timedelta,
        limits: AccountLimits,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._products = products
        self._catalog = catalog
        self._statistics = statistics
        self._clock = clock
        self._max_age = max_age
        self._limits = limits

    async def __call__(self, call: Call, items: Sequence[OfflineItem | UnreadableItem]) -> Synced:
        """Returns what became of each item."""
        results: Results = {}
        readable: dict[int, OfflineItem] = {}
        for place, item in enumerate(items):
            if isinstance(item, UnreadableItem):
                results[place] = refuse_for(item.client_id, item.error)
            else:
                readable[place] = item
        async with self._unit_of_work() as work:
            earlier = await work.idempotency.claim(call, Synced)
            if earlier is not None:
                reach(earlier.user_seq)
                return earlier
            # Often all of it is a repeat, which needs no catalog and no lock.
            known = await work.synced.find(call.user_id, [item.client_id for item in readable.values()])
        on_file = [(place, item) for place, item in readable.items() if item.client_id in known]
        for part in _parts(on_file):
            results |= {place: recognise(item, known[item.client_id]) for place, item in part}
            await asyncio.sleep(0)
        fresh = {place: item for place, item in readable.items() if item.client_id not in known}
        if fresh:
            products = [item.product for item in fresh.values() if isinstance(item, OfflineSession)]
            async with self._limits.syncing(call, products):
                results |= await self._merge(call.user_id, fresh)
        return await self._answer(call, [results[place] for place in range(len(items))])

    async def _merge(self, user_id: int, fresh: dict[int, OfflineItem]) -> Results:
        guide = await ask_for_guide(
            self._catalog, self._products, list(fresh.values()), self._clock(), self._max_age
        )
        sessions: list[tuple[int, OfflineSession]] = []
        answers: dict[int, list[tuple[int, OfflineAnswer]]] = defaultdict(list)
        for place, item in fresh.items():
            if isinstance(item, OfflineSession):
                sessions.append((place, item))
            else:
                answers[item.session_id or 0].append((place, item))
        results = await self._in_parts(sessions, partial(merge_sessions, user_id=user_id, guide=guide))
        for session_id, given in sorted(answers.items()):
            merge = partial(merge_answers, user_id=user_id, session_id=session_id, guide=guide)
            results |= await self._in_parts(given, merge)
        return results

    async def _in_parts(self, items: Sequence[tuple[int, Item]], merge: Merge[Item]) -> Results:
        results: Results = {}
        for part in _parts(items):
            async with self._unit_of_work() as work:
                merged = await merge(work, [item for _, item in part])
                await work.commit()
            results |= zip((place for place, _ in part), merged, strict=True)
        return results

    async def _answer(self, call: Call, results: list[ItemResult]) -> Synced:
        """Waits for statistics, outside of any transaction, and keeps the answer under the call's key."""
        async with self._unit_of_work() as work:
            user_seq = (await work.learners.find(call.user_id)).last_seq
        caught_up = await self._statistics.caught_up(call.user_id, user_seq) if user_seq else True
        synced = Synced(results, user_seq, statistics_pending=not caught_up)
        if call.request is None:
            return synced
        async with self._unit_of_work() as work:
            earlier = await work.idempotency.claim(call, Synced)
            if earlier is None:
                await work.idempotency.remember(call, synced, Synced)
                await work.commit()
        return earlier or synced


def _parts(items: Sequence[tuple[int, Item]]) -> Iterator[list[tuple[int, Item]]]:
    """Yields items in parts of one turn each, such as a transaction, no two in it of the same id."""
    part: list[tuple[int, Item]] = []
    ids: set[str] = set()
    weight = 0
    for place, item in items:
        more = weight_of(item)
        full = len(part) == _ITEMS_A_PART or weight + more > _WEIGHT_OF_A_PART
        if part and (full or item.client_id in ids):
            yield part
            part, ids, weight = [], set(), 0
        part.append((place, item))
        ids.add(item.client_id)
        weight += more
    if part:
        yield part
