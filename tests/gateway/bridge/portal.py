"""The session service as the bridge sees it: sessions with an owner and a journal, and streams that break."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

import grpc
import jwt
from practice.products.portal.v1.portal_service_pb2 import (
    ListenToSessionsRequest,
    ListenToSessionsResponse,
    LiveUpdate,
    WatchSessionRequest,
)
from practice.products.portal.v1.portal_service_pb2_grpc import (
    PortalLiveServiceServicer,
    add_PortalLiveServiceServicer_to_server,
)

from service_kit.grpc.streams import SharedCall
from session_service.adapters.grpc.products.portal.live_servicer import carry

Context = grpc.aio.ServicerContext[Any, Any]
LIMIT = 600
WORDS = 1000


class FakePortal(PortalLiveServiceServicer):
    """Streams as the contract says. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._owners: dict[str, int] = {}
        self._journals: dict[str, list[LiveUpdate]] = {}
        self._changed = asyncio.Event()
        self._generation = 0
        self._end_of_break: grpc.StatusCode | None = None
        self.refuses_with: grpc.StatusCode | None = None
        self.is_silent = False
        # Sends the present state and everything again, whatever the cursor.
        self.repeats_itself = False
        # Streams, and the watches that they carry.
        self.streams = 0
        self.watching = 0
        # Updates, by session.
        self.sent: Counter[str] = Counter()
        self.requests: list[WatchSessionRequest] = []
        self.metadata: list[dict[str, Any]] = []

    def begin(self, session: str, owner: int, elapsed: int = 0) -> None:
        """Starts a session."""
        update = LiveUpdate(remaining=WORDS, elapsed=elapsed, time_limit=LIMIT, cursor=1)
        self._owners[session] = owner
        self._journals[session] = [update]

    def answer(self, session: str, times: int = 1) -> None:
        """Records right answers."""
        for _ in range(times):
            self._add(session, answered=True)

    def change(self, session: str) -> None:
        """Changes something that is no answer."""
        self._add(session)

    def end(self, session: str, elapsed: int = 0) -> None:
        """Ends a session."""
        self._add(session, ended=True, elapsed=elapsed)

    def forget(self, session: str) -> None:
        """Makes a session unknown."""
        del self._owners[session]

    def break_streams(self, code: grpc.StatusCode | None = grpc.StatusCode.UNAVAILABLE) -> None:
        """Ends every stream: with an error, or as if all was said."""
        self._end_of_break = code
        self._generation += 1
        self._wake()

    def _add(self, session: str, **changes: Any) -> None:
        update = LiveUpdate()
        journal = self._journals[session]
        update.CopyFrom(journal[-1])
        update.MergeFrom(LiveUpdate(cursor=len(journal) + 1, **changes))
        update.answered = changes.get("answered", False)
        if update.answered:
            update.completed += 1
            update.remaining -= 1
            update.current_streak += 1
            update.words_mastered += 1
            update.success_rate = 1.0
        journal.append(update)
        self._wake()

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._swap)

    def _swap(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def ListenToSessions(
        self, request_iterator: AsyncIterator[ListenToSessionsRequest], context: Context
    ) -> AsyncIterator[ListenToSessionsResponse]:
        await context.send_initial_metadata(())
        carrying = asyncio.create_task(self._carry(request_iterator, context))
        breaking = asyncio.create_task(self._until_broken(self._generation))
        self.streams += 1
        try:
            await asyncio.wait({carrying, breaking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.streams -= 1
            carrying.cancel()
            breaking.cancel()
            await asyncio.wait({carrying, breaking})
        if not breaking.cancelled() and self._end_of_break is not None:
            await context.abort(self._end_of_break, "broken")
        for response in ():
            yield response

    async def _until_broken(self, generation: int) -> None:
        while generation == self._generation:
            await self._changed.wait()

    async def _carry(self, requests: AsyncIterator[ListenToSessionsRequest], context: Context) -> None:
        async with aclosing(carry(requests, self._watch)) as responses:
            async for response in responses:
                await context.write(response)

    async def _watch(self, request: WatchSessionRequest, call: SharedCall) -> None:
        async with aclosing(self.WatchSession(request, cast(Any, call))) as updates:
            async for update in updates:
                await call.write(update)
                self.sent[request.session_id] += 1

    async def WatchSession(
        self, request: WatchSessionRequest, context: Context
    ) -> AsyncGenerator[LiveUpdate]:
        metadata = dict(context.invocation_metadata() or ())
        self.requests.append(request)
        self.metadata.append(metadata)
        self.watching += 1
        try:
            if self.is_silent:
                await asyncio.Event().wait()
            if self.refuses_with is not None:
                await context.abort(self.refuses_with, "refused")
            token = str(metadata["authorization"]).removeprefix("Bearer ")
            user = int(jwt.decode(token, options={"verify_signature": False})["sub"])
            if self._owners.get(request.session_id) != user:
                await context.abort(grpc.StatusCode.NOT_FOUND, "no such session")
            async for update in self._stream(request):
                yield update
        finally:
            self.watching -= 1

    async def _stream(self, request: WatchSessionRequest) -> AsyncIterator[LiveUpdate]:
        journal = self._journals[request.session_id]
        seen = request.cursor
        if not seen or self.repeats_itself:
            present = LiveUpdate()
            present.CopyFrom(journal[-1])
            present.answered = False
            yield present
            seen = 0 if self.repeats_itself and seen else present.cursor
        while True:
            changed = self._changed
            while seen < len(journal):
                yield journal[seen]
                seen += 1
            if journal[-1].ended:
                return
            await changed.wait()


@asynccontextmanager
async def serving_portal(portal: FakePortal, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serves for the duration of a block, which gets the address."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add_PortalLiveServiceServicer_to_server(portal, server)
    bound = server.add_insecure_port(f"{host}:{port}")
    await server.start()
    try:
        yield f"{host}:{bound}"
    finally:
        await server.stop(0)
