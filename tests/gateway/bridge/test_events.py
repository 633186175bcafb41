"""What a listener is told, and when."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from practice.products.portal.v1.portal_service_pb2 import LiveUpdate
from websockets.frames import CloseCode

from gateway.bridge.events import SessionClock
from tests.gateway.bridge.conftest import OWNER, SESSION, Client, RunBridge, completed, events, rest
from tests.gateway.bridge.portal import LIMIT, WORDS, FakePortal
from tests.waiting import until


def progress(completed: int) -> dict[str, Any]:
    data = {
        "completed": completed,
        "remaining": WORDS - completed,
        "success_rate": 1.0 if completed else 0.0,
        "current_streak": completed,
    }
    return {"type": "progress_update", "data": data}


async def test_the_present_state_comes_at_once(bridge: Client, portal: FakePortal) -> None:
    portal.begin(SESSION, OWNER, elapsed=245)
    portal.answer(SESSION, 5)
    async with bridge.connect() as websocket:
        assert await events(websocket, 2) == [
            progress(5),
            {"type": "time_update", "data": {"elapsed": 245, "remaining": 355}},
        ]


async def test_every_answer_is_told_once_and_in_order(bridge: Client, portal: FakePortal) -> None:
    async with bridge.connect() as websocket:
        await events(websocket, 2)
        portal.answer(SESSION, 100)
        assert await events(websocket, 100) == [progress(number) for number in range(1, 101)]
        portal.change(SESSION)
        portal.answer(SESSION)
        assert await events(websocket, 1) == [progress(101)]


async def test_the_end_is_told_last_and_followed_by_a_normal_close(
    run_bridge: RunBridge, portal: FakePortal
) -> None:
    async with run_bridge(bridge_tick_seconds=0.01) as client, client.connect() as websocket:
        portal.answer(SESSION, 3)
        portal.end(SESSION, elapsed=450)
        received = await rest(websocket)
        assert completed(received) == [0, 1, 2, 3]
        end = {"success_rate": 1.0, "duration": 450, "words_mastered": 3}
        assert received[-1] == {"type": "session_complete", "data": end}
        assert websocket.close_code == CloseCode.NORMAL_CLOSURE
        await until(lambda: portal.watching == 0)


async def test_a_session_that_has_ended_is_told_and_closed_at_once(
    bridge: Client, portal: FakePortal
) -> None:
    portal.answer(SESSION)
    portal.end(SESSION, elapsed=9)
    async with bridge.connect() as websocket:
        received = await rest(websocket)
    assert [event["type"] for event in received] == ["progress_update", "time_update", "session_complete"]
    assert websocket.close_code == CloseCode.NORMAL_CLOSURE


async def test_somebody_who_comes_back_is_told_the_present_state(bridge: Client, portal: FakePortal) -> None:
    async with bridge.connect() as websocket:
        portal.answer(SESSION, 2)
        assert completed(await events(websocket, 4)) == [0, 1, 2]
    portal.answer(SESSION, 3)
    async with bridge.connect() as websocket:
        assert completed(await events(websocket, 2)) == [5]
        portal.answer(SESSION)
        assert completed(await events(websocket, 1)) == [6]


async def test_several_listeners_are_told_the_same(bridge: Client, portal: FakePortal) -> None:
    async with bridge.connect() as one, bridge.connect() as two:
        portal.answer(SESSION, 3)
        told = await asyncio.gather(events(one, 5), events(two, 5))
    assert [completed(each) for each in told] == [[0, 1, 2, 3]] * 2


async def test_the_time_is_told_at_every_tick_while_nothing_happens(
    run_bridge: RunBridge, portal: FakePortal
) -> None:
    async with run_bridge(bridge_tick_seconds=0.05) as client:
        began = asyncio.get_running_loop().time()
        async with client.connect() as websocket:
            received = await events(websocket, 12)
        took = asyncio.get_running_loop().time() - began
    assert [event["type"] for event in received[1:]] == ["time_update"] * 11
    # The first may be told at once. However late the machine is, none comes before its time.
    assert took > 9 * 0.05
    elapsed = [event["data"]["elapsed"] for event in received[1:]]
    assert elapsed == sorted(elapsed)


def time_at(clock: SessionClock, now: float) -> tuple[int, int]:
    event = json.loads(clock.event(now))
    assert event["type"] == "time_update"
    return event["data"]["elapsed"], event["data"]["remaining"]


def test_the_elapsed_time_comes_from_the_clock_and_not_from_the_ticks() -> None:
    clock = SessionClock(LiveUpdate(elapsed=100, time_limit=LIMIT), now=5000.25)
    assert time_at(clock, 5000.25) == (100, 500)
    # A timer that wakes a hair early still tells the new second.
    assert time_at(clock, 5001.2499999) == (101, 499)
    assert time_at(clock, 5002.2) == (101, 499)
    # Ticks may be missed for a while: nothing was summed up.
    assert time_at(clock, 5090.3) == (190, 410)


def test_the_remaining_time_stops_at_zero_and_the_session_goes_on() -> None:
    clock = SessionClock(LiveUpdate(elapsed=595, time_limit=LIMIT), now=0)
    assert [time_at(clock, second) for second in (4, 5, 6, 1000)] == [(599, 1), (600, 0), (601, 0), (1595, 0)]
