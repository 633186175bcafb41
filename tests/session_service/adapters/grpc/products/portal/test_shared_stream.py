"""Many listeners in one stream: each is served as if it had one of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from practice.products.portal.v1 import portal_service_pb2 as pb
from practice.products.portal.v1 import portal_service_pb2_grpc as rpc

from session_service.settings import SessionSettings
from tests.session_service.adapters.grpc.products.portal.clients import Client
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS, until

ENDED = grpc.StatusCode.OK


class Stream:
    """A stream as a bridge has it, and what its listeners are told: updates, and a status at their end."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.call: Any = rpc.PortalLiveServiceStub(channel).ListenToSessions()
        self.told: dict[int, list[pb.LiveUpdate]] = {}
        self.ends: dict[int, grpc.StatusCode] = {}

    async def send(self, **fields: Any) -> None:
        request = pb.ListenerRequest(**fields)
        await self.call.write(pb.ListenToSessionsRequest(requests=[request]))

    async def listen(
        self, listener: int, token: str, session_id: str, cursor: int = 0, credit: int = 16
    ) -> None:
        watch = pb.WatchSessionRequest(session_id=session_id, cursor=cursor)
        await self.send(listener=listener, token=token, watch=watch, credit=credit)

    async def read(self) -> None:
        codes = {code.value[0]: code for code in grpc.StatusCode}
        while (response := await self.call.read()) is not grpc.aio.EOF:
            for reply in response.replies:
                assert reply.listener not in self.ends
                if reply.HasField("update"):
                    self.told.setdefault(reply.listener, []).append(reply.update)
                if reply.HasField("status"):
                    self.ends[reply.listener] = codes[reply.status]

    def completed(self, listener: int) -> list[int]:
        return [update.completed for update in self.told.get(listener, [])]

    async def heard(self, listener: int, count: int) -> None:
        await until(lambda: len(self.told.get(listener, [])) >= count)


@pytest.fixture
async def stream(channel: grpc.aio.Channel) -> AsyncIterator[Stream]:
    stream = Stream(channel)
    reading = asyncio.create_task(stream.read())
    yield stream
    stream.call.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def answer(hand: Client, session_id: str, words: range) -> None:
    for word in words:
        await hand.right(session_id, f"m{word}")


async def test_one_listener_ends_and_the_others_go_on(
    stream: Stream, portal: Client, other: Client, tokens: TestTokens, new_user: Callable[[], int]
) -> None:
    mine, theirs = await portal.start(), await other.start()
    my_token, their_token = (dict(hand.metadata)["authorization"][7:] for hand in (portal, other))
    await stream.listen(1, my_token, mine)
    await stream.listen(2, their_token, theirs)
    # None of these takes the stream with it.
    await stream.listen(3, their_token, mine)
    await stream.listen(4, "no token", mine)
    await stream.listen(5, my_token, mine, cursor=-1)
    await stream.listen(6, tokens.issue(new_user(), exp=int(time.time()) - 60), mine)
    await stream.heard(1, 1)
    await stream.heard(2, 1)
    await until(lambda: len(stream.ends) == 4)
    assert stream.ends == {
        3: grpc.StatusCode.NOT_FOUND,
        4: grpc.StatusCode.UNAUTHENTICATED,
        5: grpc.StatusCode.INVALID_ARGUMENT,
        6: grpc.StatusCode.UNAUTHENTICATED,
    }

    await portal.complete(mine)
    await until(lambda: 1 in stream.ends)
    assert (stream.ends[1], stream.told[1][-1].ended) == (ENDED, True)
    await answer(other, theirs, range(1, 3))
    await stream.heard(2, 3)
    await stream.send(listener=2, leave=True)
    # From where it stands: what was told is not told again.
    await stream.listen(7, their_token, theirs, cursor=2)
    await stream.heard(7, 1)
    assert (stream.completed(2), stream.completed(7)) == ([0, 1, 2], [2])
    assert 2 not in stream.ends


async def test_a_listener_that_takes_nothing_holds_up_nobody_and_gets_everything_later(
    stream: Stream, portal: Client
) -> None:
    session_id = await portal.start(word_count=24)
    token = dict(portal.metadata)["authorization"][7:]
    await stream.listen(1, token, session_id, credit=2)
    await stream.listen(2, token, session_id, credit=64)
    await stream.heard(1, 1)
    await stream.heard(2, 1)

    await answer(portal, session_id, range(1, 21))
    await stream.heard(2, 21)
    assert stream.completed(2) == list(range(21))
    assert stream.completed(1) == [0, 1]

    await stream.send(listener=1, credit=5)
    await stream.heard(1, 7)
    await stream.send(listener=1, credit=64)
    await stream.heard(1, 21)
    assert stream.completed(1) == list(range(21))


async def test_a_listener_hears_nothing_more_once_its_token_has_expired(
    stream: Stream, portal: Client, user_id: int, tokens: TestTokens
) -> None:
    session_id = await portal.start()
    # Five seconds of clock skew are forgiven.
    await stream.listen(1, tokens.issue(user_id, exp=int(time.time()) - 3), session_id)
    await stream.listen(2, tokens.issue(user_id), session_id)
    await stream.heard(1, 1)
    await stream.heard(2, 1)
    await until(lambda: 1 in stream.ends)
    assert stream.ends == {1: grpc.StatusCode.UNAUTHENTICATED}
    await portal.right(session_id, "m1")
    await stream.heard(2, 2)
    assert stream.completed(1) == [0]


async def test_an_account_has_as_many_listeners_as_with_streams_of_their_own(
    stream: Stream, portal: Client, session_settings: dict[str, Any]
) -> None:
    session_id = await portal.start()
    token = dict(portal.metadata)["authorization"][7:]
    most = SessionSettings(**session_settings).max_live_per_user
    for listener in range(1, most + 1):
        await stream.listen(listener, token, session_id)
        await stream.heard(listener, 1)
    await stream.listen(100, token, session_id)
    await until(lambda: bool(stream.ends))
    assert stream.ends == {100: grpc.StatusCode.RESOURCE_EXHAUSTED}

    await stream.send(listener=1, leave=True)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for listener in range(101, 200):
            await stream.listen(listener, token, session_id)
            await until(lambda listener=listener: listener in stream.ends or listener in stream.told)  # type: ignore[misc]
            if listener in stream.told:
                break
    assert listener in stream.told
