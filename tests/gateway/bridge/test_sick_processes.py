"""A process of the session service that is unwell beside one that is well: newcomers get in."""

from __future__ import annotations

import time
from asyncio import create_task
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import grpc
import pytest

from gateway.bridge.stream import PAUSE_SECONDS
from tests.gateway.bridge.conftest import Client, Listeners, RunBridge
from tests.gateway.bridge.portal import FakePortal, serving_portal
from tests.gateway.edge import free_port
from tests.waiting import until

FIRST, *NEWCOMERS = range(200, 213)
UNWELL = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INTERNAL)


class Sick:
    """A process that has no listener yet, beside one that has the first."""

    def __init__(self, portal: FakePortal, client: Client, life: AsyncExitStack) -> None:
        self.portal = portal
        self.client = client
        self.life = life
        self._began = time.monotonic()

    def most_probes(self) -> int:
        """Returns how often it may have been tried since: once, and once after each pause."""
        return 1 + int((time.monotonic() - self._began) / PAUSE_SECONDS)


@pytest.fixture
async def sick(run_bridge: RunBridge, portal: FakePortal, listeners: Listeners) -> AsyncIterator[Sick]:
    ports = [free_port(), free_port()]
    listed = ",".join(f"127.0.0.1:{port}" for port in ports)
    other = FakePortal()
    listeners.portals.append(other)
    async with (
        AsyncExitStack() as life,
        serving_portal(portal, ports[0]),
        # Nobody who waits for a well process is refused, however slow the machine is.
        run_bridge(session_address=listed, bridge_open_seconds=60) as client,
    ):
        await listeners.connect(client, FIRST)
        await life.enter_async_context(serving_portal(other, ports[1]))
        await until(lambda: other.streams == 1)
        yield Sick(other, client, life)


@pytest.mark.parametrize("code", UNWELL, ids=str)
async def test_a_process_that_refuses_is_seldom_tried_and_nobody_is_refused(
    sick: Sick, listeners: Listeners, code: grpc.StatusCode
) -> None:
    sick.portal.refuses_with = code
    await listeners.connect(sick.client, *NEWCOMERS)
    assert 1 <= len(sick.portal.requests) <= sick.most_probes()


async def test_a_silent_process_delays_one_newcomer_and_is_seldom_tried(
    sick: Sick, portal: FakePortal, listeners: Listeners
) -> None:
    sick.portal.is_silent = True
    await listeners.connect(sick.client, *NEWCOMERS)
    assert 1 <= len(sick.portal.requests) <= sick.most_probes()
    # Nothing is asked of it any more.
    await until(lambda: (sick.portal.watching, portal.watching) == (0, 1 + len(NEWCOMERS)))


async def test_while_a_newcomer_waits_for_a_process_others_go_to_another(
    sick: Sick, portal: FakePortal, listeners: Listeners
) -> None:
    sick.portal.is_silent = True
    waiting = create_task(listeners.connect(sick.client, NEWCOMERS[0]))
    await until(lambda: sick.portal.requests)
    await listeners.connect(sick.client, *NEWCOMERS[1:4])
    assert len(sick.portal.requests) <= sick.most_probes()
    await waiting


async def test_a_newcomer_of_a_process_that_is_killed_gets_in_by_another(
    sick: Sick, portal: FakePortal, listeners: Listeners
) -> None:
    sick.portal.is_silent = True
    waiting = create_task(listeners.connect(sick.client, NEWCOMERS[0]))
    await until(lambda: sick.portal.requests)
    await sick.life.aclose()
    await waiting
    await listeners.connect(sick.client, *NEWCOMERS[1:])
    assert portal.watching == 1 + len(NEWCOMERS)


async def test_what_the_process_will_always_answer_is_asked_once(
    sick: Sick, portal: FakePortal, listeners: Listeners
) -> None:
    sick.portal.refuses_with = grpc.StatusCode.NOT_FOUND
    with pytest.raises(Exception, match="404"):
        await listeners.connect(sick.client, NEWCOMERS[0])
    assert (len(portal.requests), len(sick.portal.requests)) == (1, 1)


async def test_a_newcomer_whom_every_process_refuses_is_refused_after_the_second(
    sick: Sick, portal: FakePortal, listeners: Listeners
) -> None:
    portal.refuses_with = sick.portal.refuses_with = grpc.StatusCode.UNAVAILABLE
    with pytest.raises(Exception, match="503"):
        await listeners.connect(sick.client, NEWCOMERS[0])
    assert (len(portal.requests), len(sick.portal.requests)) == (2, 1)


async def test_a_process_that_is_well_again_has_its_share_of_listeners(
    sick: Sick, portal: FakePortal, listeners: Listeners
) -> None:
    sick.portal.refuses_with = grpc.StatusCode.UNAVAILABLE
    await listeners.connect(sick.client, *NEWCOMERS[:3])
    assert sick.portal.watching == 0
    sick.portal.refuses_with = None
    coming = iter(range(300, 10_000))

    async def shared() -> bool:
        owner = next(coming)
        await listeners.connect(sick.client, owner)
        if not sick.portal.watching:
            await listeners.sockets.pop(owner).close()
        return sick.portal.watching >= 2

    await until(shared)
    await until(lambda: portal.watching + sick.portal.watching == len(listeners.sockets))
    listeners.answer_all()
    assert await listeners.completed(1) == [[1]] * len(listeners.sockets)
