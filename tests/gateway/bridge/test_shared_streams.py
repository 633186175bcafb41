"""Listeners share a stream to each process of the session service, and notice nothing of each other."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack

from tests.gateway.bridge.conftest import SESSION, Listeners, RunBridge, completed, events, rest
from tests.gateway.bridge.portal import FakePortal, serving_portal
from tests.gateway.edge import free_port
from tests.waiting import until

OWNERS = range(101, 107)


async def test_two_listeners_share_a_stream_and_one_ends_alone(
    run_bridge: RunBridge, portal: FakePortal, listeners: Listeners
) -> None:
    async with run_bridge() as client:
        await listeners.connect(client, 101, 102)
        assert (portal.streams, portal.watching) == (1, 2)
        portal.end("101")
        ended = await rest(listeners.sockets.pop(101))
        assert [event["type"] for event in ended] == ["session_complete"]
        await until(lambda: portal.watching == 1)
        listeners.answer_all()
        assert await listeners.completed(1) == [[1]]
        await listeners.sockets.pop(102).close()
        await until(lambda: portal.watching == 0)
        assert portal.streams == 1


async def test_listeners_of_a_process_that_is_gone_go_on_by_another_and_come_back(
    run_bridge: RunBridge, portal: FakePortal, listeners: Listeners
) -> None:
    ports = [free_port(), free_port()]
    addresses = ",".join(f"127.0.0.1:{port}" for port in ports)
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        await first.enter_async_context(serving_portal(portal, ports[0]))
        await second.enter_async_context(serving_portal(portal, ports[1]))
        async with run_bridge(session_address=addresses) as client:
            await listeners.connect(client, *OWNERS)
            await until(lambda: portal.streams == 2)
            for life, port in ((first, ports[0]), (second, ports[1])):
                listeners.answer_all(2)
                leaving = asyncio.create_task(life.aclose())
                listeners.answer_all(3)
                await leaving
                listeners.answer_all()
                told = await listeners.completed(6)
                assert len({tuple(each) for each in told}) == 1
                assert told[0] == list(range(told[0][0], told[0][0] + 6))
                await life.enter_async_context(serving_portal(portal, port))
                await until(lambda: portal.streams == 2 and portal.watching == len(OWNERS))
            assert told[0][-1] == 12


async def test_who_reads_nothing_has_the_rest_left_in_the_journal_and_holds_up_nobody(
    run_bridge: RunBridge, portal: FakePortal, listeners: Listeners
) -> None:
    async with run_bridge(bridge_send_buffer_kib=4, bridge_send_seconds=3600) as client:
        await listeners.connect(client, 101)
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", int(client.address.partition(":")[2])))
        slow = await client.connect(sock=raw, max_queue=1)
        portal.answer(SESSION, 900)
        portal.answer("101", 900)
        assert await listeners.completed(900) == [list(range(1, 901))]
        listeners.answer_all()
        assert await listeners.completed(1) == [[901]]
        # What was sent fills the buffers of both systems, the bridge's and the credit.
        assert portal.sent[SESSION] < 800
        # Once it reads, nothing is missing.
        assert completed(await events(slow, 902)) == list(range(901))
        await slow.close()
