"""A zone is handed over when it is news, and never in the way of a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from service_kit.call import Call, enter_call, reach
from service_kit.zone_handover import KnownSignUps, ZoneHandover
from tests.waiting import PATIENCE_SECONDS

SIGN_UP = datetime(2026, 2, 1, tzinfo=UTC)
TOKYO, MADRID = "Asia/Tokyo", "Europe/Madrid"


class Receiver:
    """Takes what is handed over; fails, or never answers, when it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[int, str | None, datetime | None]] = []
        self.error: Exception | None = None
        self.silent = False

    async def __call__(self, user_id: int, zone: str | None, signed_up_at: datetime | None) -> None:
        if self.silent:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        self.got.append((user_id, zone, signed_up_at))


class Bench:
    """A handover, and calls that may have read the zone in force along."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.hand_over = ZoneHandover(self.receiver, deadline_seconds=0.05)

    async def call(
        self, zone: str | None = None, user_id: int = 7, signed_up: bool = False, in_force: str | None = None
    ) -> None:
        call = Call(user_id, time_zone=zone, signed_up_at=SIGN_UP if signed_up else None)
        enter_call(call)
        reach(1, in_force)
        await self.hand_over("/x.Y/Z", call)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_what_a_call_says_of_its_user_is_handed_over(bench: Bench) -> None:
    await bench.call(TOKYO, signed_up=True)
    assert bench.receiver.got == [(7, TOKYO, SIGN_UP)]


async def test_the_zone_that_a_call_has_read_along_is_no_news_by_whichever_name(bench: Bench) -> None:
    for name in (TOKYO, "Japan"):
        await bench.call(name, in_force=TOKYO)
    assert bench.receiver.got == []


async def test_a_call_that_says_nothing_or_has_no_user_hands_nothing_over(bench: Bench) -> None:
    await bench.call()
    await bench.call(TOKYO, user_id=0)
    assert bench.receiver.got == []


async def test_without_knowing_the_zone_in_force_it_is_handed_over_again(bench: Bench) -> None:
    for _ in range(3):
        await bench.call(TOKYO)
    assert len(bench.receiver.got) == 3


async def test_what_was_handed_over_before_is_handed_over_when_another_is_in_force(bench: Bench) -> None:
    await bench.call(TOKYO, in_force=MADRID)
    await bench.call(TOKYO, in_force=TOKYO)
    # Another process was told so meanwhile.
    await bench.call(TOKYO, in_force=MADRID)
    assert len(bench.receiver.got) == 2


async def test_another_zone_is_handed_over_at_once_and_the_way_back_too(bench: Bench) -> None:
    for zone in (TOKYO, MADRID, TOKYO):
        await bench.call(zone)
    assert [zone for _, zone, _ in bench.receiver.got] == [TOKYO, MADRID, TOKYO]


async def test_a_sign_up_is_handed_over_once_and_for_all(bench: Bench) -> None:
    await bench.call(signed_up=True)
    await bench.call(signed_up=True)
    await bench.call(TOKYO, signed_up=True, in_force=TOKYO)
    assert bench.receiver.got == [(7, None, SIGN_UP)]


async def test_users_are_kept_apart(bench: Bench) -> None:
    await bench.call(TOKYO, user_id=7)
    await bench.call(TOKYO, user_id=8)
    assert [user_id for user_id, _, _ in bench.receiver.got] == [7, 8]


async def test_what_could_not_be_handed_over_fails_no_call_is_told_and_tried_again(
    bench: Bench, log_lines: Callable[[], list[str]]
) -> None:
    bench.receiver.error = ConnectionRefusedError("nobody there")
    await bench.call(TOKYO)
    bench.receiver.error = None
    await bench.call(TOKYO)

    assert bench.receiver.got == [(7, TOKYO, None)]
    (line,) = log_lines()
    assert "zone_not_handed_over" in line
    assert "nobody there" in line


async def test_a_receiver_that_does_not_answer_is_not_waited_for(bench: Bench) -> None:
    bench.receiver.silent = True
    async with asyncio.timeout(PATIENCE_SECONDS):
        await bench.call(TOKYO)
    bench.receiver.silent = False
    await bench.call(TOKYO)
    assert bench.receiver.got == [(7, TOKYO, None)]


async def test_a_call_that_ends_meanwhile_ends(bench: Bench) -> None:
    bench.receiver.silent = True
    waiting = asyncio.create_task(bench.call(TOKYO))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_memory_is_bounded_and_those_forgotten_are_only_told_again() -> None:
    told = KnownSignUps(most=2)
    for user_id in (1, 2, 1, 3):
        told.is_new(user_id, SIGN_UP)
        told.remember(user_id, SIGN_UP)
    assert not told.is_new(3, SIGN_UP)
    assert not told.is_new(1, SIGN_UP)
    assert told.is_new(2, SIGN_UP)
    assert not told.is_new(2, None)
