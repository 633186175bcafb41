"""How many calls are under way at once, at a real server."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from practice.catalog.v1 import exercise_pb2

from service_kit import errors
from service_kit.errors import TooManyAtOnceError
from service_kit.grpc.concurrency import ConcurrencyLimit, ConcurrencyLimits
from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.presentation import ProductError, http_status
from service_kit.grpc.server import build_server, start_server
from tests.grpc_errors import refusal
from tests.service_kit.conftest import ADMIN_SERVICE, PUBLIC_SERVICE, SERVICE, Serve
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS


class Gate:
    """A behaviour that lasts until it is opened, and counts who is inside."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.inside = 0

    async def __call__(self, _: object) -> exercise_pb2.Exercise:
        self.inside += 1
        try:
            await self.opened.wait()
        finally:
            self.inside -= 1
        return exercise_pb2.Exercise(name="exercises/1")

    async def holds(self, number: int) -> None:
        """Waits until so many are inside."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.inside != number:
                await asyncio.sleep(0.01)


def test_nobody_gets_more_than_their_own_slots_nor_all_more_than_there_are() -> None:
    limit = ConcurrencyLimit("watches", total=3, per_user=2)
    limit.acquire(1)
    limit.acquire(1)
    with pytest.raises(TooManyAtOnceError) as own:
        limit.acquire(1)
    limit.acquire(2)
    with pytest.raises(TooManyAtOnceError) as full:
        limit.acquire(3)
    assert (own.value.metadata["limit"], full.value.metadata["limit"]) == ("2", "3")
    limit.release(1)
    limit.acquire(3)
    assert limit.in_use() == 3


def test_callers_without_an_account_are_no_single_user() -> None:
    limit = ConcurrencyLimit("calls", total=3, per_user=1)
    for _ in range(3):
        limit.acquire(0)
    assert limit.in_use() == 3


@pytest.mark.parametrize("stream", [False, True])
async def test_one_account_finds_its_slots_taken_while_others_are_answered(
    serve: Serve, tokens: TestTokens, stream: bool
) -> None:
    gate = Gate()
    limits = ConcurrencyLimits(ConcurrencyLimit("calls", total=10, per_user=2, retry_after=7))
    async with serve(gate, limits=limits) as get:
        held = [asyncio.create_task(get(tokens.bearer(1), service=SERVICE, stream=stream)) for _ in range(2)]
        await gate.holds(2)
        refused = await refusal(get(tokens.bearer(1), service=SERVICE, stream=stream))
        other = asyncio.create_task(get(tokens.bearer(2), service=SERVICE, stream=stream))
        await gate.holds(3)
        gate.opened.set()
        await asyncio.gather(*held, other)
        # Whoever has left gives their slot back.
        assert (await get(tokens.bearer(1), service=SERVICE, stream=stream)).name
    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_AT_ONCE")
    assert refused.metadata == {"what": "calls", "limit": "2", "retry_after": "7"}
    assert refused.trailing["retry-after"] == "7"
    assert refused.trailing["ratelimit-policy"] == '"calls";q=2;qu="concurrent-requests"'
    assert refused.trailing["ratelimit"] == '"calls";r=0;t=7'


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_away_gives_its_slot_back(
    serve: Serve, tokens: TestTokens, stream: bool
) -> None:
    gate = Gate()
    limit = ConcurrencyLimit("calls", total=10, per_user=1)
    async with serve(gate, limits=ConcurrencyLimits(limit)) as get:
        held = asyncio.create_task(get(tokens.bearer(1), service=SERVICE, stream=stream))
        await gate.holds(1)
        held.cancel()
        await gate.holds(0)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while limit.in_use():
                await asyncio.sleep(0.01)
        gate.opened.set()
        assert (await get(tokens.bearer(1), service=SERVICE, stream=stream)).name


async def test_a_kind_of_calls_has_a_limit_of_its_own(serve: Serve, tokens: TestTokens) -> None:
    gate = Gate()
    watches = ConcurrencyLimit("watches", total=1, per_user=1)
    limits = ConcurrencyLimits.of(
        ConcurrencyLimit("calls", total=1, per_user=1), (watches, [f"/{SERVICE}/Watch"])
    )
    async with serve(gate, limits=limits) as get:
        watch = asyncio.create_task(get(tokens.bearer(1), service=SERVICE, stream=True))
        await gate.holds(1)
        call = asyncio.create_task(get(tokens.bearer(1), service=SERVICE))
        await gate.holds(2)
        refused = await refusal(get(tokens.bearer(1), service=SERVICE, stream=True))
        gate.opened.set()
        await asyncio.gather(watch, call)
    assert refused.metadata["what"] == "watches"


async def test_a_full_service_refuses_in_the_shape_of_the_product(serve: Serve, tokens: TestTokens) -> None:
    def present(error: errors.ServiceError) -> ProductError:
        return ProductError(http_status(error), {"detail": error.message})

    gate = Gate()
    limits = ConcurrencyLimits(ConcurrencyLimit("calls", total=1, per_user=1))
    async with serve(gate, limits=limits, presenters={PUBLIC_SERVICE: present}) as get:
        held = asyncio.create_task(get())
        await gate.holds(1)
        refused = await refusal(get())
        gate.opened.set()
        await held
    assert refused.trailing["x-practice-status"] == "429"


async def test_a_full_service_is_still_healthy_and_there_for_the_platforms_own_services(
    access: Access, serve: Serve, internal_token: str
) -> None:
    gate = Gate()
    shown = (("x-practice-internal", internal_token),)
    async with serve(gate, limits=ConcurrencyLimits(ConcurrencyLimit("calls", total=1, per_user=1))) as get:
        held = asyncio.create_task(get())
        await gate.holds(1)
        own = asyncio.create_task(get(shown, service=ADMIN_SERVICE))
        await gate.holds(2)
        gate.opened.set()
        await asyncio.gather(held, own)


async def test_health_checks_take_no_slot(access: Access) -> None:
    full = ConcurrencyLimit("calls", total=1, per_user=1)
    full.acquire(0)
    server = build_server(CallInterceptor(access, limits=ConcurrencyLimits(full)))
    running = await start_server(server, "127.0.0.1:0", [])
    async with AsyncExitStack() as stack:
        stack.push_async_callback(running.stop, 0)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{running.port}"))
        health: Any = health_pb2_grpc.HealthStub(channel)
        checks = [health.Check(health_pb2.HealthCheckRequest(), timeout=30) for _ in range(20)]
        answers = await asyncio.gather(*checks)
    assert {answer.status for answer in answers} == {health_pb2.HealthCheckResponse.SERVING}
