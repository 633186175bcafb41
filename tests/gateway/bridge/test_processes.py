"""A name of several processes: there is a stream to each, also to those that come later."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import InvalidStatus

from gateway.bridge.processes import Processes, resolve_name
from tests.gateway.bridge.conftest import Listeners, RunBridge
from tests.gateway.bridge.portal import FakePortal, serving_portal
from tests.gateway.edge import free_port
from tests.waiting import until

ONE, TWO = "127.0.0.1", "127.0.0.2"
OWNERS = range(101, 107)
SELDOM, OFTEN = 3600.0, 0.05

needs_two_addresses = pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address")


class Name:
    """A name whose addresses change."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = list(hosts)
        self.port = free_port()

    def looked_up(self, every: float) -> Processes:
        return Processes(f"session:{self.port}", self._resolve, every)

    async def _resolve(self, name: str) -> list[str]:
        assert name == "session"
        if not self.hosts:
            raise OSError("no such name")
        return self.hosts


@needs_two_addresses
async def test_there_is_a_stream_to_each_address_of_a_name(
    run_bridge: RunBridge, portal: FakePortal, listeners: Listeners
) -> None:
    name, other = Name(ONE, TWO, ONE), FakePortal()
    listeners.portals.append(other)
    async with (
        serving_portal(portal, name.port, ONE),
        serving_portal(other, name.port, TWO),
        run_bridge(name.looked_up(SELDOM)) as client,
    ):
        await listeners.connect(client, *OWNERS)
        await until(lambda: (portal.streams, other.streams) == (1, 1))
        await until(lambda: (portal.watching, other.watching) == (3, 3))


@needs_two_addresses
async def test_a_process_that_comes_later_has_its_share(
    run_bridge: RunBridge, portal: FakePortal, listeners: Listeners
) -> None:
    name, other = Name(ONE), FakePortal()
    listeners.portals.append(other)
    async with (
        serving_portal(portal, name.port, ONE),
        serving_portal(other, name.port, TWO),
        run_bridge(name.looked_up(OFTEN)) as client,
    ):
        await listeners.connect(client, *OWNERS)
        assert (portal.watching, other.watching) == (6, 0)
        name.hosts.append(TWO)
        await until(lambda: (portal.watching, other.watching) == (3, 3))
        # Who is up is kept, whatever the name says for a moment.
        name.hosts.remove(ONE)
        listeners.answer_all()
        assert await listeners.completed(1) == [[1]] * 6
        assert (portal.streams, other.streams) == (1, 1)


@needs_two_addresses
async def test_a_name_is_looked_up_again_when_a_stream_breaks(
    run_bridge: RunBridge, portal: FakePortal, listeners: Listeners
) -> None:
    name, other = Name(ONE), FakePortal()
    listeners.portals.append(other)
    async with AsyncExitStack() as life, serving_portal(other, name.port, TWO):
        await life.enter_async_context(serving_portal(portal, name.port, ONE))
        async with run_bridge(name.looked_up(SELDOM)) as client:
            await listeners.connect(client, *OWNERS)
            name.hosts = [TWO]
            await life.aclose()
            await until(lambda: other.watching == 6)
            listeners.answer_all()
            assert await listeners.completed(1) == [[1]] * 6


async def test_a_name_that_nobody_knows_refuses_and_is_looked_up_for_the_next(
    run_bridge: RunBridge, portal: FakePortal, listeners: Listeners
) -> None:
    name = Name()
    async with serving_portal(portal, name.port), run_bridge(name.looked_up(SELDOM)) as client:
        with pytest.raises(InvalidStatus, match="503"):
            await listeners.connect(client, 101)
        name.hosts = [ONE]
        await listeners.connect(client, 101)


async def test_the_system_knows_the_addresses_of_this_machine() -> None:
    assert {ONE, "::1"} & set(await resolve_name("localhost"))


async def test_addresses_of_both_families_are_written_as_the_service_is_called() -> None:
    async def resolve(_: str) -> list[str]:
        return ["::1", ONE, "::1"]

    processes = Processes("session:50051", resolve)
    assert await processes.look_up() == ["[::1]:50051", f"{ONE}:50051"]
    assert processes.is_name
    assert not Processes("[::1]:50051").is_name
