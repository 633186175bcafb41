"""Hints between processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis as redis_module
from redis.asyncio import Redis

from service_kit.hints import (
    BlockingHintSender,
    HeardPlaces,
    HintListener,
    HintSender,
    exchanging_hints,
    from_payload,
    hearing_hints,
    to_payload,
)
from tests.waiting import PATIENCE_SECONDS, until

CHANNEL = "practice:test:hints"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


async def subscribed(listener: HintListener) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await listener.subscribed()


async def cut_off(redis: Redis, command: str) -> None:
    """Closes the connections that did this last, of this database: others are other tests'."""
    mine = redis.connection_pool.connection_kwargs["db"]
    for client in await redis.client_list():
        if client["cmd"].startswith(command) and int(client["db"]) == mine:
            await redis.client_kill_filter(_id=client["id"])


async def test_what_one_process_says_every_other_hears_and_itself_does_not(redis: Redis) -> None:
    here, there = list[int](), list[int]()
    sender = HintSender(redis, CHANNEL)
    listeners = [
        HintListener(redis, CHANNEL, here.extend, sender.name),
        HintListener(redis, CHANNEL, there.extend),
    ]
    async with exchanging_hints(sender, *listeners):
        for listener in listeners:
            await subscribed(listener)
        sender.send([7, 8])
        sender.send([8, 9])
        await until(lambda: there == [7, 8, 9])
    assert here == []


async def test_a_subscription_that_breaks_is_made_anew(redis: Redis) -> None:
    heard = list[int]()
    sender, listener = HintSender(redis, CHANNEL), HintListener(redis, CHANNEL, heard.extend)
    async with exchanging_hints(sender, listener):
        await subscribed(listener)
        await cut_off(redis, "subscribe")
        await until(lambda: not listener.hears)
        await subscribed(listener)
        sender.send([7])
        await until(lambda: heard == [7])


class Clock:
    """A time that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def attending(redis: Redis, hear: Any) -> AsyncIterator[tuple[HintListener, asyncio.Event]]:
    """A listener that somebody waits at, and that says so."""
    attended = asyncio.Event()
    attended.set()
    listener = HintListener(redis, CHANNEL, hear, attended=attended)
    async with exchanging_hints(listener):
        await subscribed(listener)
        yield listener, attended


@asynccontextmanager
async def sending_to_nobody(redis: Redis, clock: Clock) -> AsyncIterator[tuple[HintSender, list[int]]]:
    """A sender that has not heard of listeners for long, and all that it publishes."""
    sender, published = HintSender(redis, CHANNEL, monotonic=clock), list[int]()
    # Who listens without a word stays unknown.
    spy = HintListener(redis, CHANNEL, published.extend)
    async with exchanging_hints(sender, spy):
        await subscribed(spy)
        await until(lambda: sender.hears_of_listeners)
        assert sender.wanted, "whoever listens may have said so before"
        clock.now += 60
        assert not sender.wanted
        yield sender, published


async def test_what_nobody_listens_to_is_not_sent_and_what_is_new_is_told_to_who_begins(redis: Redis) -> None:
    clock, heard = Clock(), list[int]()
    async with sending_to_nobody(redis, clock) as (sender, published):
        sender.send([5])
        clock.now += 5
        # Between a listener's look at the database and its first word.
        sender.send([7])
        async with attending(redis, heard.extend):
            await until(lambda: heard == [7])
            sender.send([8])
            await until(lambda: heard == [7, 8])
        assert published == heard


async def test_what_is_new_is_told_again_to_a_second_who_begins(redis: Redis) -> None:
    clock, first, second = Clock(), list[int](), list[int]()
    async with sending_to_nobody(redis, clock) as (sender, _), attending(redis, first.extend):
        await until(lambda: sender.wanted)
        sender.send([7])
        await until(lambda: first == [7])
        async with attending(redis, second.extend):
            await until(lambda: second == [7])


async def test_who_goes_on_listening_is_believed_anew_and_what_was_missed_is_told(redis: Redis) -> None:
    clock, heard = Clock(), list[int]()
    async with (
        sending_to_nobody(redis, clock) as (sender, _),
        attending(redis, heard.extend) as (listener, _),
    ):
        await until(lambda: sender.wanted)
        # As if its words had been lost for long.
        clock.now += 60
        sender.send([7])
        await listener.renew()
        await until(lambda: heard == [7])
        clock.now += 9
        await listener.renew()
        sender.send([8])
        await until(lambda: heard == [7, 8])


async def test_who_has_nobody_waiting_listens_no_more_and_begins_again(redis: Redis) -> None:
    clock, heard = Clock(), list[int]()
    async with (
        sending_to_nobody(redis, clock) as (sender, _),
        attending(redis, heard.extend) as (listener, attended),
    ):
        await until(lambda: sender.wanted)
        attended.clear()
        sender.send([7])
        await until(lambda: not listener.hears)
        clock.now += 60
        sender.send([8])
        attended.set()
        await until(lambda: 8 in heard)


async def test_a_sender_that_cannot_hear_of_listeners_sends(redis: Redis) -> None:
    clock = Clock()
    async with sending_to_nobody(redis, clock) as (sender, _):
        await cut_off(redis, "subscribe")
        await until(lambda: sender.wanted)
        await until(lambda: sender.hears_of_listeners)
        assert sender.wanted, "who listens has perhaps said so meanwhile"
        clock.now += 60
        assert not sender.wanted


async def test_without_a_redis_nothing_is_raised_and_nothing_is_heard() -> None:
    async with Redis.from_url("redis://127.0.0.1:1") as nowhere:
        sender, listener = HintSender(nowhere, CHANNEL), HintListener(nowhere, CHANNEL, list[int]().extend)
        async with exchanging_hints(sender, listener):
            sender.send([7])
            await asyncio.sleep(0.05)
            assert not listener.hears


async def test_a_process_without_an_event_loop_says_what_others_hear(redis: Redis, redis_url: str) -> None:
    heard = list[int]()
    sender = BlockingHintSender(redis_url, CHANNEL)
    async with hearing_hints(redis_url, CHANNEL, heard.extend) as listener:
        await subscribed(listener)
        sender.send({7: 1, 8: 5})
        # A connection that was closed meanwhile is made anew.
        await cut_off(redis, "publish")
        sender.send({7: 2})
        await until(lambda: heard == [7, 1, 8, 5, 7, 2])
    sender.close()


def test_a_place_is_reached_once_it_or_one_beyond_it_was_said() -> None:
    places = HeardPlaces(remembered=2)
    places.hear([1, 5])
    with places.expecting(1, 4) as before, places.expecting(1, 5) as there, places.expecting(1, 6) as beyond:
        assert [each.is_set() for each in (before, there, beyond)] == [True, True, False]
        # Of others, of a place of before that comes late, and half a hint.
        for hint in ([2, 9], [1, 3], [1]):
            places.hear(hint)
        assert not beyond.is_set()
        places.hear([3, 1, 1, 7])
        assert beyond.is_set()


def test_of_what_was_heard_the_last_is_remembered_at_its_farthest() -> None:
    places = HeardPlaces(remembered=2)
    for hint in ([1, 5], [2, 5], [1, 3], [3, 5]):
        places.hear(hint)
    reached = []
    for number in (1, 2, 3):
        with places.expecting(number, 5) as event:
            reached.append(event.is_set())
    assert reached == [True, False, True]


async def test_everybody_who_expects_a_place_is_woken_and_whoever_left_is_forgotten() -> None:
    places = HeardPlaces(remembered=0)

    async def wait(place: int) -> None:
        with places.expecting(1, place) as reached:
            await reached.wait()

    calls = [asyncio.create_task(wait(place)) for place in (1, 1, 2, 3)]
    await asyncio.sleep(0)
    calls[1].cancel()
    places.hear([1, 2])
    await asyncio.wait(calls[:3], timeout=PATIENCE_SECONDS)
    assert [call.done() for call in calls] == [True, True, True, False]
    assert calls[1].cancelled()
    with places.expecting(1, 2) as later:
        assert not later.is_set(), "nothing is remembered"
    places.hear([1, 3])
    async with asyncio.timeout(PATIENCE_SECONDS):
        await calls[3]


def test_without_a_redis_a_process_without_an_event_loop_tries_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, tried = [0.0], list[float]()
    sender = BlockingHintSender("redis://127.0.0.1:1", CHANNEL, monotonic=lambda: now[0])
    publish = redis_module.Redis.publish

    def note(client: redis_module.Redis, *arguments: Any, **options: Any) -> Any:
        tried.append(now[0])
        return publish(client, *arguments, **options)

    monkeypatch.setattr(redis_module.Redis, "publish", note)
    for now[0] in (0.0, 0.1, 0.9, 1.1):
        sender.send({7: 1})
    assert tried == [0.0, 1.1]


@pytest.mark.parametrize("payload", [None, 7, b"", b"not a hint", b"\xff\x00"])
def test_what_is_no_hint_has_no_numbers(payload: object) -> None:
    assert from_payload(to_payload(3, [7, 8])) == (3, [7, 8])
    assert not from_payload(payload)[1]


async def test_whoever_leaves_at_any_moment_of_a_start_has_left(redis: Redis) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        for turns in range(60):
            sender, listener = HintSender(redis, CHANNEL), HintListener(redis, CHANNEL, list[int]().extend)
            async with exchanging_hints(sender, listener):
                sender.send([7])
                for _ in range(turns):
                    await asyncio.sleep(0)


async def test_who_follows_a_thing_is_woken_by_places_beyond_the_one_they_have_seen() -> None:
    places = HeardPlaces(remembered=0)
    with places.following(7) as mine, places.following(7) as other:
        assert places.followed() == [7]
        waiting = asyncio.create_task(mine.beyond(3))
        places.hear([7, 2, 8, 9, 7, 3])
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        places.hear([7, 4])
        async with asyncio.timeout(PATIENCE_SECONDS):
            await waiting
            # What was said before they asked, such as during their look, is not missed.
            await other.beyond(3)
    assert places.followed() == []


async def test_a_place_that_a_look_does_not_find_wakes_nobody_again_until_it_is_said_again() -> None:
    places = HeardPlaces(remembered=0)
    with places.following(7) as mine:
        places.hear([7, 9])
        async with asyncio.timeout(PATIENCE_SECONDS):
            await mine.beyond(3)
        waiting = asyncio.create_task(mine.beyond(3))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        places.hear([7, 9])
        async with asyncio.timeout(PATIENCE_SECONDS):
            await waiting
