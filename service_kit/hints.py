"""Hints between processes: which things have changed just now, by their numbers.

A hint lets whoever waits for a change sleep until there is one. It goes by publish and subscribe of Redis,
so it may be lost or come twice. What a lost hint would have said is found by looking in the database now and
then, for everybody who waits together; more often as long as hints cannot come (`HintListener.hears`).

Hints that only name what has changed are not believed: who waits looks anew. Hints that say how far something
is, sent after the commit that brought it there, are (`HeardPlaces`).

Hints that nobody waits for are not sent. A listener says that it listens, when it begins and every few
seconds, and a sender that has not heard so for longer says nothing. What changed while a listener had not
begun yet is told to it when it has.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

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
# So long a sender believes that somebody listens, and so often who does says so.
_BELIEVED_SECONDS = 10.0
RENEWAL_SECONDS = 3.0
# More than a listener takes from its first look to its subscription; where it takes longer, it looks again.
_RECENT_SECONDS = 2.0
# Other processes write too, of which one may hear nothing: so many looks in place of one until it hears.
LOOKS_WITHOUT_HINTS = 10
_GOES_ON, _BEGINS = 0, 1
# Who publishes without an event loop waits no longer than this, and then for a while not at all.
_BLOCKED_SECONDS = 0.2

log = get_logger(__name__)


def _audience(channel: str) -> str:
    """Returns the channel in which listeners to a channel say that they listen."""
    return f"{channel}:audience"


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
    """Publishes in the background, while somebody listens anywhere else or may do so.

    While one hint is on its way the next are gathered into one.
    """

    def __init__(
        self, redis: Redis, channel: str, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = random.getrandbits(62)
        self._redis = redis
        self._channel = channel
        self._monotonic = monotonic
        self._audience = HintListener(
            redis, _audience(channel), self._hear, self.name, begun=self._believe_for_a_while
        )
        self._believed_until = 0.0
        self._recent: deque[tuple[float, Collection[int]]] = deque()
        # In the order of their coming, each once.
        self._waiting: dict[int, None] = {}
        self._wanted = asyncio.Event()

    @property
    def hears_of_listeners(self) -> bool:
        """Whether it would hear of who listens."""
        return self._audience.hears

    @property
    def wanted(self) -> bool:
        """Whether somebody may listen: so it was said of late, or nobody could say it."""
        return self._monotonic() < self._believed_until or not self.hears_of_listeners

    def send(self, numbers: Collection[int]) -> None:
        """Takes what has changed. Never blocks, never raises."""
        if not numbers:
            return
        now = self._monotonic()
        self._forget_until(now - _RECENT_SECONDS)
        if len(self._recent) < _MOST_WAITING:
            self._recent.append((now, numbers))
        if self.wanted:
            self._add(numbers)

    async def run(self) -> None:
        """Publishes until it is cancelled. What cannot be published is dropped, and found by looking."""
        async with exchanging_hints(self._audience):
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

    def _add(self, numbers: Collection[int]) -> None:
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.update(dict.fromkeys(numbers))
            self._wanted.set()

    def _hear(self, said: Sequence[int]) -> None:
        now = self._monotonic()
        news = _BEGINS in said or now >= self._believed_until
        self._believed_until = now + _BELIEVED_SECONDS
        if news:
            self._forget_until(now - _RECENT_SECONDS)
            for _, numbers in self._recent:
                self._add(numbers)

    async def _believe_for_a_while(self) -> None:
        """Takes it that somebody listens who said so before it could be heard."""
        self._believed_until = self._monotonic() + _BELIEVED_SECONDS

    def _forget_until(self, instant: float) -> None:
        while self._recent and self._recent[0][0] < instant:
            self._recent.popleft()


class BlockingHintSender:
    """Publishes how far things are, at once, in processes without an event loop. Connects on first use."""

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

    def send(self, places: Mapping[int, int]) -> None:
        """Publishes the place of each thing. Never raises; what cannot be published is found by looking."""
        if self._monotonic() < self._resting_until:
            return
        try:
            in_turn = [number for place in places.items() for number in place]
            self._redis.publish(self._channel, to_payload(_NOBODY, in_turn))
        except _FAULTS as error:
            self._resting_until = self._monotonic() + _PAUSE_SECONDS
            log.warning("hints_not_sent", channel=self._channel, error=repr(error))

    def close(self) -> None:
        """Closes the connection."""
        self._redis.close()


class FollowedPlace:
    """How far a thing is, to one who follows it."""

    __slots__ = ("_news", "_place")

    def __init__(self) -> None:
        self._place = 0
        self._news = asyncio.Event()

    def hear(self, place: int) -> None:
        """Takes how far it is."""
        self._place = max(self._place, place)
        self._news.set()

    async def beyond(self, place: int) -> None:
        """Returns once a place beyond this one is heard of that was not heard of when this was last asked."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self._place > place:
                return


class HeardPlaces:
    """How far things are, as far as hints say it. A place that was reached stays reached.

    Those heard of last are remembered, `remembered` of them: a hint may come before anybody waits for it.
    """

    def __init__(self, remembered: int) -> None:
        self._remembered = remembered
        # In the order in which they were heard of.
        self._places: dict[int, int] = {}
        self._expected: dict[int, set[tuple[int, asyncio.Event]]] = {}
        self._followers: dict[int, set[FollowedPlace]] = {}

    def hear(self, numbers: Sequence[int]) -> None:
        """Takes a hint: a thing, its place, another thing, its place."""
        for number, place in zip(numbers[::2], numbers[1::2], strict=False):
            self._places[number] = max(place, self._places.pop(number, 0))
            if len(self._places) > self._remembered:
                del self._places[next(iter(self._places))]
            for expected, reached in self._expected.get(number, ()):
                if expected <= place:
                    reached.set()
            for follower in self._followers.get(number, ()):
                follower.hear(place)

    def followed(self) -> Collection[int]:
        """Returns the things that somebody follows."""
        return list(self._followers)

    @contextmanager
    def following(self, number: int) -> Iterator[FollowedPlace]:
        """Yields what hears of every place of a thing for the duration of a block."""
        mine = FollowedPlace()
        followers = self._followers.setdefault(number, set())
        followers.add(mine)
        try:
            yield mine
        finally:
            followers.remove(mine)
            if not followers and self._followers.get(number) is followers:
                del self._followers[number]

    @contextmanager
    def expecting(self, number: int, place: int) -> Iterator[asyncio.Event]:
        """Yields what is set once a thing is said to be at a place or beyond it."""
        reached = asyncio.Event()
        if self._places.get(number, 0) >= place:
            reached.set()
        mine = (place, reached)
        expected = self._expected.setdefault(number, set())
        expected.add(mine)
        try:
            yield reached
        finally:
            expected.remove(mine)
            if not expected:
                del self._expected[number]


async def _nothing() -> None:
    """Does nothing."""


class HintListener:
    """One subscription of a process, whoever waits in it; made anew when it breaks.

    What the process itself says, as `own` sender, it knows already. With
    `attended` it listens only while that is set, and says so to senders.
    `begun` is done before hints are taken for heard.
    """

    def __init__(
        self,
        redis: Redis,
        channel: str,
        hear: Callable[[Sequence[int]], None],
        own: int | None = None,
        *,
        attended: asyncio.Event | None = None,
        begun: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        self._own = own
        self._redis = redis
        self._channel = channel
        self._hear = hear
        self._attended = attended
        self._begun = begun if attended is None else self._announce
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
            if self._attended is not None:
                await self._attended.wait()
            broken = False
            try:
                async with self._redis.pubsub() as subscription:
                    async with asyncio.timeout(_PATIENCE_SECONDS):
                        await subscription.subscribe(self._channel)
                    await self._listen(subscription)
            except _FAULTS as error:
                broken = True
                log.warning("hints_not_heard", channel=self._channel, error=repr(error))
            finally:
                self._subscribed.clear()
            if broken:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def renew(self) -> None:
        """Says that this process goes on listening, if it does. To be called every RENEWAL_SECONDS."""
        if self.hears:
            try:
                await self._announce(_GOES_ON)
            except _FAULTS as error:
                log.warning("hints_not_asked_for", channel=self._channel, error=repr(error))

    async def _announce(self, what: int = _BEGINS) -> None:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._redis.publish(_audience(self._channel), to_payload(self._own or _NOBODY, [what]))

    async def _listen(self, subscription: PubSub) -> None:
        asked = False
        while self._attended is None or self._attended.is_set():
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
                await self._begun()
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


class LookSeldom:
    """Looks at every call while hints cannot come, otherwise at one of `every`.

    The first look after a subscription was made is not skipped: hints may have been lost before it.
    """

    def __init__(self, look: Callable[[], Awaitable[None]], hears: Callable[[], bool], every: int) -> None:
        self._look = look
        self._hears = hears
        self._every = every
        self._skipped = every

    async def __call__(self) -> None:
        """Looks, or does not."""
        if not self._hears():
            self._skipped = self._every
        elif self._skipped + 1 < self._every:
            self._skipped += 1
            return
        else:
            self._skipped = 0
        await self._look()
