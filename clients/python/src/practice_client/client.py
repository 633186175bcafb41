"""The client: one object for every API of the platform."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self

import httpx

from practice_client._retries import Retries
from practice_client._transport import AsyncTransport, Caller, Transport
from practice_client.api import VERSION
from practice_client.api.design import AsyncDesign, Design
from practice_client.api.exercises import AsyncExercises, Exercises
from practice_client.api.focus import AsyncFocus, Focus
from practice_client.api.portal import AsyncPortal, Portal
from practice_client.api.v1 import V1, AsyncV1
from practice_client.api.v1_models import Account, TokenPair
from practice_client.api.yoga import AsyncYoga, Yoga
from practice_client.offline import OfflineQueue, SyncReport
from practice_client.tokens import TokenAuth, Tokens

_REFRESH = "/v1/accounts:refresh"


def _ignore(_: Tokens) -> None:
    """Takes new tokens where nobody keeps them."""


class _Learner:
    """What both clients know of the learner: the tokens, and how many events there are."""

    def __init__(
        self, url: str, tokens: Tokens | None, tokens_changed: Callable[[Tokens], None], http: dict[str, Any]
    ) -> None:
        self._auth = TokenAuth(httpx.URL(url).join(_REFRESH), tokens, tokens_changed)
        agent = {"user-agent": f"practice-client/{VERSION}"}
        self._http_settings: dict[str, Any] = {"base_url": url, "auth": self._auth, "headers": agent, **http}
        self._caller: Caller

    @property
    def tokens(self) -> Tokens | None:
        """The tokens in force."""
        return self._auth.tokens

    @property
    def user_seq(self) -> int:
        """How many events of the learner this client knows of; reads of statistics send it along."""
        return self._caller.user_seq

    def _forget(self) -> None:
        """Makes calls unsigned."""
        self._auth.take(None)
        self._caller.user_seq = 0

    def _take(self, pair: TokenPair) -> Account | None:
        """Signs calls from now on."""
        self._auth.take(Tokens(pair.access_token, pair.refresh_token))
        return pair.account


class Practice(_Learner):
    """The platform, for one learner. Safe to share between threads.

    `v1` is the canonical API; each product has its own. `deadline` bounds a call with all its tries, in
    seconds; `tokens_changed` is told new tokens, to keep them for the next start.
    """

    def __init__(
        self,
        url: str,
        *,
        tokens: Tokens | None = None,
        time_zone: str | None = None,
        deadline: float = 30.0,
        retries: Retries = Retries(),  # noqa: B008 - it cannot change
        tokens_changed: Callable[[Tokens], None] = _ignore,
        **http: Any,
    ) -> None:
        """`http` is for `httpx.Client`, such as `verify` or `proxy`."""
        super().__init__(url, tokens, tokens_changed, http)
        self._http = httpx.Client(**self._http_settings)
        calls = Transport(self._http, time_zone=time_zone, deadline=deadline, retries=retries)
        self._caller = calls
        self.v1 = V1(calls)
        self.exercises = Exercises(calls)
        self.portal = Portal(calls)
        self.yoga = Yoga(calls)
        self.focus = Focus(calls)
        self.design = Design(calls)

    def log_in(self, email: str, password: str) -> Account | None:
        """Logs in: calls are signed from now on. Raises ApiError."""
        self._forget()
        return self._take(self.v1.log_in(email=email, password=password))

    def sync(self, queue: OfflineQueue) -> SyncReport:
        """Hands in what waits in a queue. Raises PracticeError; what was not handed in by then waits on."""
        report = SyncReport()
        while batch := queue.next_batch():
            answer = self.v1.sync_sessions_json(items=batch.items, idempotency_key=batch.key)
            report += queue.settle(batch, answer)
        return report

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncPractice(_Learner):
    """The platform, for one learner, from an event loop: as `Practice`, with calls that are awaited."""

    def __init__(
        self,
        url: str,
        *,
        tokens: Tokens | None = None,
        time_zone: str | None = None,
        deadline: float = 30.0,
        retries: Retries = Retries(),  # noqa: B008 - it cannot change
        tokens_changed: Callable[[Tokens], None] = _ignore,
        **http: Any,
    ) -> None:
        """`http` is for `httpx.AsyncClient`, such as `verify` or `proxy`."""
        super().__init__(url, tokens, tokens_changed, http)
        self._http = httpx.AsyncClient(**self._http_settings)
        calls = AsyncTransport(self._http, time_zone=time_zone, deadline=deadline, retries=retries)
        self._caller = calls
        self.v1 = AsyncV1(calls)
        self.exercises = AsyncExercises(calls)
        self.portal = AsyncPortal(calls)
        self.yoga = AsyncYoga(calls)
        self.focus = AsyncFocus(calls)
        self.design = AsyncDesign(calls)

    async def log_in(self, email: str, password: str) -> Account | None:
        """Logs in: calls are signed from now on. Raises ApiError."""
        self._forget()
        return self._take(await self.v1.log_in(email=email, password=password))

    async def sync(self, queue: OfflineQueue) -> SyncReport:
        """Hands in what waits in a queue. Raises PracticeError; what was not handed in by then waits on."""
        report = SyncReport()
        while batch := await asyncio.to_thread(queue.next_batch):
            answer = await self.v1.sync_sessions_json(items=batch.items, idempotency_key=batch.key)
            report += await asyncio.to_thread(queue.settle, batch, answer)
        return report

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
