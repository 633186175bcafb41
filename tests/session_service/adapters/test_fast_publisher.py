"""Events sent right after a commit: each at once while there are few, many of them together."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import UUID

import pytest

from service_kit.errors import UnavailableError
from session_service.adapters.celery import publisher as module
from session_service.adapters.celery.publisher import FastPublisher
from session_service.application.ports.outbox import Outgoing
from session_service.domain.events import ENDED
from tests.waiting import until


class FakeBroker:
    """Takes messages; says how many wait, which is none unless told."""

    def __init__(self) -> None:
        self.messages: list[list[int]] = []
        self.queued: Iterator[int] = itertools.repeat(0)
        self.looks = 0
        self.away = False

    async def publish(self, events: Sequence[Outgoing]) -> None:
        if self.away:
            raise UnavailableError("The task queue does not answer", part="redis")
        self.messages.append([event.event_id.int for event in events])

    async def waiting(self) -> int:
        self.looks += 1
        if self.away:
            raise UnavailableError("The task queue does not answer", part="redis")
        return next(self.queued)

    @property
    def told(self) -> list[int]:
        return [number for message in self.messages for number in message]


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


@pytest.fixture
def clock() -> list[float]:
    """Now, which a test moves."""
    return [100.0]


@pytest.fixture
async def publisher(
    broker: FakeBroker, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FastPublisher]:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    publisher = FastPublisher(broker, monotonic=lambda: clock[0])
    publisher.start()
    yield publisher
    await publisher.stop()


def event(number: int) -> Outgoing:
    return Outgoing(UUID(int=number), ENDED, b"payload")


async def test_who_comes_now_and_then_is_told_of_at_once(
    broker: FakeBroker, clock: list[float], publisher: FastPublisher
) -> None:
    broker.queued = itertools.repeat(1_000)
    for number in range(1, 4):
        publisher.offer([event(number)])
        await until(lambda count=number: len(broker.messages) == count)
        clock[0] += 1.0
    assert broker.messages == [[1], [2], [3]]
    assert not broker.looks, "nor is it asked how long the queue is"


async def test_while_messages_wait_for_the_worker_events_are_gathered(
    broker: FakeBroker, publisher: FastPublisher
) -> None:
    publisher.offer([event(1)])
    await until(lambda: broker.messages == [[1]])

    def waits() -> Iterator[int]:
        for number in range(3, 7):
            publisher.offer([event(number)])
            yield 1
        yield 0

    broker.queued = waits()
    publisher.offer([event(2)])
    await until(lambda: len(broker.messages) == 2)
    assert broker.messages == [[1], [2, 3, 4, 5, 6]]


async def test_nobody_is_held_for_long_and_no_message_is_too_large(
    broker: FakeBroker, publisher: FastPublisher
) -> None:
    broker.queued = itertools.repeat(5)
    for number in (1, 2):
        publisher.offer([event(number)])
        await until(lambda count=number: len(broker.messages) == count)
    assert broker.looks == 10, "the worker did not get on, and it was sent all the same"
    publisher.offer([event(number) for number in range(3, 1_253)])
    await until(lambda: len(broker.told) == 1_252)
    assert broker.told == [*range(1, 1_253)]
    assert max(map(len, broker.messages)) == 500


async def test_a_broker_that_is_away_costs_what_was_offered_and_nothing_that_comes_later(
    broker: FakeBroker, publisher: FastPublisher
) -> None:
    publisher.offer([event(1)])
    await until(lambda: broker.told == [1])
    broker.away = True
    publisher.offer([event(2)])
    await until(lambda: broker.looks == 1)
    await asyncio.sleep(0)
    broker.away = False
    publisher.offer([event(3)])
    await until(lambda: broker.told == [1, 3])
