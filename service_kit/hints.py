"""Hints between the processes of a service: which things have changed just now, by their numbers.

A hint lets whoever waits for a change sleep until there is one. It goes by publish and subscribe of Redis,
so it may be lost or come twice, and it is not believed: what is true is in the database, at which who waits
looks anew. What a lost hint would have said is found by looking now and then, for everybody who waits
together; more often as long as hints cannot come (`HintListener.hears`).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import redis
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from service_kit.logging import get_logger
from service_kit.periodic import end_task

_FAULTS = (RedisError, OSError, TimeoutError)
# The sender of hints of a process that hears none.
_NOBODY = 0
_PATIENCE_SECONDS = 2.0
_PAUSE_SECONDS = 1.0
# A connection that says nothing for so long is asked whether it lives.
_SILENCE_SECONDS = 5.0
_MOST_WAITING = 10_000
# Who publishes without an event loop waits no longer than this, and then for a while not at all.
_BLOCKED_SECONDS = 0.2

log = get_logger(__name__)


def to_payload(sender: int, numbers: Collection[int]) -> bytes:
    """Returns what is published: who says it, and what has changed."""
    return " ".join(map(str, (sender, *numbers))).encode()


def from_payload(payload: object) -> tuple[int, Sequence[int]]:
    """Returns the sender of a hint and its numbers; none of what is no hint."""
    if not isinstance(payload, bytes):
        return 0, ()
    sender, *numbers = [int(each) for each in payload.split() if each.isdigit()] or [0]
    return sender, numbers


class HintSender:
    """Publishes in the background. While one hint is on its way the next are gathered into one."""

    def __init__(self, redis: Redis, channel: str) -> None:
        self.name = random.getrandbits(62)
        self._redis = redis
        self._channel = channel
        # In the order of their coming, each once.
        self._waiting: dict[int, None] = {}
        self._wanted = asyncio.Event()

    def send(self, numbers: Collection[int]) -> None:
        """Takes what has changed. Never blocks, never raises."""
        if numbers and len(self._waiting) < _MOST_WAITING:
            self._waiting.update(dict.fromkeys(numbers))
            self._wanted.set()

    async def run(self) -> None:
        """Publishes until it is cancelled. What cannot be published is dropped, and found by looking."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            numbers, self._waiting = self._waiting, {}
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._redis.publish(self._channel, to_payload(self.name, numbers))
            except _FAULTS as error:
                log.warning("hints_not_sent", channel=self._channel, error=repr(error))
                await asyncio.sleep(_PAUSE_SECONDS)


class BlockingHintSender:
    """Publishes at once, in processes without an event loop. Connects on first use."""

    def __init__(
        self, redis_url: str, channel: str, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._redis = redis.Redis.from_url(
            redis_url,
            socket_timeout=_BLOCKED_SECONDS,
            socket_connect_timeout=_BLOCKED_SECONDS,
            # Once more at once: a connection of before a restart is no sign that nobody answers.
            retry=Retry(NoBackoff(), 1),
            protocol=2,
        )
        self._channel = channel
        self._monotonic = monotonic
        self._resting_until = 0.0

    def send(self, numbers: Collection[int]) -> None:
        """Publishes what has changed. Never raises; what cannot be published is found by looking."""
        if self._monotonic() < self._resting_until:
            return
        try:
            self._redis.publish(self._channel, to_payload(_NOBODY, numbers))
        except _FAULTS as error:
            self._resting_until = self._monotonic() + _PAUSE_SECONDS
            log.warning("hints_not_sent", channel=self._channel, error=repr(error))

    def close(self) -> None:
        """Closes the connection."""
        self._redis.close()


class HintListener:
    """One subscription of a process, whoever waits in it; made anew when it breaks.

    What the process itself says, as `own` sender, it knows already.
    """

    def __init__(
        self, redis: Redis, channel: str, hear: Callable[[Sequence[int]], None], own: int | None = None
    ) -> None:
        self._own = own
        self._redis = redis
        self._channel = channel
        self._hear = hear
        self._subscribed = asyncio.Event()

    @property
    def hears(self) -> bool:
        """Whether hints can come."""
        return self._subscribed.is_set()

    async def subscribed(self) -> None:
        """Waits until hints can come."""
        await self._subscribed.wait()

    async def run(self) -> None:
        """Listens until it is cancelled."""
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    async with asyncio.timeout(_PATIENCE_SECONDS):
                        await subscription.subscribe(self._channel)
                    await self._listen(subscription)
            except _FAULTS as error:
                log.warning("hints_not_heard", channel=self._channel, error=repr(error))
            finally:
                self._subscribed.clear()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _listen(self, subscription: PubSub) -> None:
        asked = False
        while True:
            message = await subscription.get_message(timeout=_SILENCE_SECONDS)
            if message is None:
                if asked:
                    raise TimeoutError("no answer to a ping")
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await subscription.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "subscribe":
                self._subscribed.set()
            elif message["type"] == "message":
                sender, numbers = from_payload(message["data"])
                if sender != self._own:
                    self._hear(numbers)


@asynccontextmanager
async def exchanging_hints(*parts: HintSender | HintListener) -> AsyncIterator[None]:
    """Runs senders and listeners for the duration of a block."""
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield
    finally:
        for task in tasks:
            await end_task(task)


@asynccontextmanager
async def hearing_hints(
    redis_url: str, channel: str, hear: Callable[[Sequence[int]], None]
) -> AsyncIterator[HintListener]:
    """Listens for the duration of a block, in a process that sends no hints of this kind."""
    async with Redis.from_url(redis_url, socket_connect_timeout=_PATIENCE_SECONDS, protocol=2) as client:
        listener = HintListener(client, channel, hear)
        async with exchanging_hints(listener):
            yield listener
