"""Events sent right after a commit: each at once while there are few, many of them together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest

from service_kit.errors import UnavailableError
from service_kit.hints import HeardPlaces
from session_service.adapters.celery import publisher as module
from session_service.adapters.celery.publisher import FastPublisher
from session_service.application.ports.outbox import Outgoing
from session_service.domain.events import ENDED
from tests.waiting import PATIENCE_SECONDS, until

ME = 7


class FakeBroker:
    """Takes messages."""

    def __init__(self) -> None:
        self.messages: list[list[int]] = []
        self.attempts = 0
        self.away = False

    async def publish(self, events: Sequence[Outgoing]) -> None:
        self.attempts += 1
        if self.away:
            raise UnavailableError("The task queue does not answer", part="redis")
        self.messages.append([event.event_id.int for event in events])

    async def waiting(self) -> int:
        raise AssertionError("it is heard how far the worker is, and not asked")

    @property
    def told(self) -> list[int]:
        return [number for message in self.messages for number in message]


class Worker:
    """What is heard of a worker, which counts when it is told to."""

    def __init__(self) -> None:
        self.hears = True
        self.places = HeardPlaces(remembered=100)

    def count(self, number: int) -> None:
        self.places.hear([ME, number])

    async def reach(self, user_id: int, user_seq: int) -> bool:
        with self.places.expecting(user_id, user_seq) as reached:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await reached.wait()
        return True


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def clock() -> list[float]:
    """Now, which a test moves."""
    return [100.0]


@pytest.fixture
async def publisher(
    broker: FakeBroker, worker: Worker, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FastPublisher]:
    monkeypatch.setattr(module, "MOMENT_SECONDS", 2 * PATIENCE_SECONDS)
    publisher = FastPublisher(broker, worker, monotonic=lambda: clock[0])
    publisher.start()
    yield publisher
    await publisher.stop()


def event(number: int) -> Outgoing:
    return Outgoing(UUID(int=number), ENDED, b"payload", "", ME, number)


async def turns() -> None:
    """Lets whatever can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_who_comes_now_and_then_is_told_of_at_once(
    broker: FakeBroker, clock: list[float], publisher: FastPublisher
) -> None:
    for number in range(1, 4):
        publisher.offer([event(number)])
        await until(lambda count=number: len(broker.messages) == count)
        clock[0] += 3 * PATIENCE_SECONDS
    assert broker.messages == [[1], [2], [3]], "though nothing was counted"


async def test_nobody_waits_for_what_is_counted_or_cannot_be_heard_of(
    broker: FakeBroker, worker: Worker, publisher: FastPublisher
) -> None:
    publisher.offer([event(1)])
    await until(lambda: broker.messages == [[1]])
    worker.count(1)
    publisher.offer([event(2)])
    await until(lambda: broker.messages == [[1], [2]])
    worker.hears = False
    publisher.offer([event(3)])
    await until(lambda: broker.messages == [[1], [2], [3]])


async def test_until_the_worker_has_counted_what_was_sent_events_are_gathered(
    broker: FakeBroker, worker: Worker, publisher: FastPublisher
) -> None:
    publisher.offer([event(1), event(2)])
    await until(lambda: broker.messages == [[1, 2]])
    for number in range(3, 7):
        publisher.offer([event(number)])
        await turns()
    worker.count(1)
    await turns()
    assert broker.messages == [[1, 2]], "the last one is not counted yet"
    worker.count(2)
    await until(lambda: len(broker.messages) == 2)
    assert broker.messages == [[1, 2], [3, 4, 5, 6]]


async def test_nobody_is_held_for_long_and_no_message_is_too_large(
    broker: FakeBroker, publisher: FastPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOMENT_SECONDS", 0.02)
    for number in (1, 2):
        publisher.offer([event(number)])
        await until(lambda count=number: len(broker.messages) == count)
    publisher.offer([event(number) for number in range(3, 1_253)])
    await until(lambda: len(broker.told) == 1_252)
    assert broker.told == [*range(1, 1_253)], "the worker did not get on, and it was sent all the same"
    assert max(map(len, broker.messages)) == 500


async def test_a_broker_that_is_away_costs_what_was_offered_and_nothing_that_comes_later(
    broker: FakeBroker, worker: Worker, publisher: FastPublisher
) -> None:
    publisher.offer([event(1)])
    await until(lambda: broker.told == [1])
    worker.count(1)
    broker.away = True
    publisher.offer([event(2)])
    await until(lambda: broker.attempts == 2)
    await asyncio.sleep(0)
    broker.away = False
    publisher.offer([event(3)])
    await until(lambda: broker.told == [1, 3])
