"""Rate limits and quotas of an account, the same by whichever API it asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from cachetools import LRUCache

from service_kit.call import Call
from service_kit.errors import LimitPolicy, QuotaExceededError
from session_service.application.ports.rate_limits import RateLimit, RateLimits
from session_service.application.ports.readers import Readers
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.unit_of_work import UnitOfWork
from session_service.domain.practice_session import PracticeSession

_REMEMBERED_SESSIONS = 20_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How often an account may do what in a product; `synced` are sessions that come from devices."""

    starts: RateLimit
    answers: RateLimit
    completions: RateLimit
    synced: RateLimit


@dataclass(frozen=True, slots=True)
class Quotas:
    """What an account gets, in whatever product. None: without limit."""

    starts: RateLimit | None = None
    synced: RateLimit | None = None
    open_sessions: int | None = None
    conversation_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """Checks every change that an account could make without end.

    What a block began and did not finish, because it raised, counts for nothing.
    """

    rates: RateLimits
    readers: Readers
    quotas: Quotas = Quotas()
    paces: Mapping[str, Pace] = field(default_factory=dict)
    # The product of a session never changes: who practises in one is not asked for it each time.
    _products: LRUCache[tuple[int, int], str] = field(default_factory=lambda: LRUCache(_REMEMBERED_SESSIONS))

    @asynccontextmanager
    async def starting(self, call: Call, product: str) -> AsyncIterator[None]:
        """Lets a session begin. Entering raises RateLimitedError, QuotaExceededError."""
        pace = self.paces.get(product)
        async with self._within(call, (pace.starts if pace else None, 1), (self.quotas.starts, 1)):
            yield

    @asynccontextmanager
    async def answering(self, call: Call, ref: SessionRef, count: int) -> AsyncIterator[None]:
        """Lets answers be recorded, each of which counts. Entering raises RateLimitedError."""
        pace = await self._pace_of(call, ref)
        async with self._within(call, (pace.answers if pace else None, count)):
            yield

    @asynccontextmanager
    async def completing(self, call: Call, ref: SessionRef) -> AsyncIterator[None]:
        """Lets a session be completed. Entering raises RateLimitedError."""
        pace = await self._pace_of(call, ref)
        async with self._within(call, (pace.completions if pace else None, 1)):
            yield

    @asynccontextmanager
    async def syncing(self, call: Call, products: Sequence[str]) -> AsyncIterator[None]:
        """Lets sessions of these products be merged, all or none. Entering raises as `starting` does."""
        asked = [(self.quotas.synced, len(products))]
        asked += [(pace.synced, products.count(product)) for product, pace in self.paces.items()]
        async with self._within(call, *asked):
            yield

    def know(self, session: PracticeSession) -> None:
        """Takes down the product of a session: who practises in it comes back."""
        self._products[session.user_id, session.id] = session.product

    async def keep_open(self, work: UnitOfWork, user_id: int) -> None:
        """Raises QuotaExceededError when the account has more open sessions than one gets."""
        most = self.quotas.open_sessions
        if most is not None and await work.sessions.open_count(user_id) > most:
            quota = LimitPolicy("open_sessions", most)
            raise QuotaExceededError("Too many open sessions; end some first", quota)

    async def say_more(self, work: UnitOfWork, user_id: int) -> None:
        """Raises QuotaExceededError when the account's conversations take as much as one account's may."""
        most = self.quotas.conversation_bytes
        if most is not None and await work.sessions.conversation_bytes(user_id) >= most:
            quota = LimitPolicy("conversation_bytes", most, unit="content-bytes")
            raise QuotaExceededError("All conversations together are full", quota)

    async def _pace_of(self, call: Call, ref: SessionRef) -> Pace | None:
        if not self.paces:
            return None
        return self.paces.get(ref.product or await self._product_of(call, ref))

    async def _product_of(self, call: Call, ref: SessionRef) -> str:
        session = call.user_id, ref.id
        if session not in self._products:
            self._products[session] = (await self.readers.get(call.user_id, ref)).product
        return self._products[session]

    @asynccontextmanager
    async def _within(self, call: Call, *asked: tuple[RateLimit | None, int]) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for limit, count in asked:
                if limit is not None and count:
                    await stack.enter_async_context(self.rates.within(limit, call, count))
            yield
