"""Watching statistics: what there is, then what changes as events are counted, at no cost in between."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import grpc
import pytest
from practice.stats.v1 import stats_service_pb2 as pb
from practice.stats.v1 import stats_service_pb2_grpc as rpc

from service_kit.broker import COUNTED_HINTS
from service_kit.hints import BlockingHintSender
from stats_service.settings import Settings
from tests.described import Event, read_events
from tests.grpc_errors import refusal
from tests.shared import Shared, frozen
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.conftest import Apply, Metadata, days, serving_channel
from tests.stats_service.facts import completion, history
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS
from tests.wire import wire_to

Stats: TypeAlias = "rpc.StatsServiceAsyncStub"
Kind = pb.StatisticsChange
# Nobody looks within a test: what is seen was heard.
NEVER = 60.0
# For health, for tokens that were ended and for a look at all who watch now and then: nothing for a listener.
MOST_QUERIES = 50


@pytest.fixture
def chosen() -> dict[str, Any]:
    return {"watch_look_seconds": NEVER, "max_watches_per_user": 3}


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tuple(tokens.bearer(1))


@pytest.fixture
def announced(apply: Apply, redis_url: str) -> Iterator[Callable[..., Any]]:
    """Applies facts as the worker does, which says so after its commit."""
    hints = BlockingHintSender(redis_url, COUNTED_HINTS)
    yield partial(asyncio.to_thread, apply, announce=hints.send)
    hints.close()


@pytest.fixture
async def both(shared: Shared, stats_settings: dict[str, Any]) -> list[Stats]:
    """Two processes on one database."""
    keys = [("watched", number, frozen(stats_settings)) for number in range(2)]
    return [
        rpc.StatsServiceStub(await shared.of(key, lambda: serving_channel(stats_settings))) for key in keys
    ]


def watch(stats: Stats, me: Metadata, last: str = "") -> Any:
    """Watches as a client that comes back with the id of its last event."""
    metadata = (*me, ("last-event-id", last)) if last else me
    return stats.WatchStatisticsAsEvents(pb.WatchStatisticsRequest(), metadata=metadata)


async def read(stream: Any) -> Event:
    """Returns the next event."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            piece = await stream.read()
            for event in read_events(piece.data.decode()):
                return event


def totals(event: Event) -> dict[str, int]:
    """Returns the sessions in each product that an event tells of."""
    return {
        each["totals"]["product"]: each["totals"]["session_count"]
        for each in json.loads(event.data)["products"]
    }


def badges(event: Event) -> list[str]:
    return [each["badge"]["badge_id"] for each in json.loads(event.data)["badges"]]


async def test_a_watcher_is_told_all_there_is_and_then_what_has_changed(
    stats: Stats,
    me: Metadata,
    apply: Apply,
    announced: Callable[..., Any],
    fresh_database_url: str,
) -> None:
    await publish(fresh_database_url, badge("second", 2), badge("third", 3))
    first, second = history(1, days(2, 1))
    apply(first, second, completion(user_seq=3, product="yoga", local_date=days(1)[0]))
    stream = watch(stats, me)
    snapshot = await read(stream)
    assert (snapshot.id, snapshot.name) == ("3", "snapshot")
    assert list(totals(snapshot).items()) == [("all", 3), ("focus", 2), ("yoga", 1)]
    assert badges(snapshot) == ["second"]

    await announced(completion(user_seq=4, local_date=days(0)[0]))
    changed = await read(stream)
    assert (changed.id, changed.name) == ("4", "changed")
    assert (totals(changed), badges(changed)) == ({"all": 4, "focus": 3}, ["third"])
    streaks = {
        each["streak"]["product"]: each["streak"]["current_days"]
        for each in json.loads(changed.data)["products"]
    }
    assert streaks == {"all": 3, "focus": 3}
    # What changes nothing is counted all the same.
    await announced(completion(user_seq=5, counts=False, outcome="abandoned", local_date=days(0)[0]))
    told = await read(stream)
    assert (told.id, totals(told), badges(told)) == ("5", {}, [])
    stream.cancel()


async def test_by_lines_the_same_is_told(stats: Stats, me: Metadata, announced: Callable[..., Any]) -> None:
    stream = stats.WatchStatistics(pb.WatchStatisticsRequest(), metadata=me)
    async with asyncio.timeout(PATIENCE_SECONDS):
        snapshot = await stream.read()
        assert (snapshot.kind, snapshot.cursor) == (Kind.KIND_SNAPSHOT, 0)
        # Who has never practised has practised nothing in all.
        assert [(each.totals.product, each.totals.session_count) for each in snapshot.products] == [
            ("all", 0)
        ]
        await announced(*history(1, days(0)))
        changed = await stream.read()
    assert (changed.kind, changed.cursor, len(changed.products)) == (Kind.KIND_CHANGED, 1, 2)
    stream.cancel()


async def test_who_watches_at_either_of_two_processes_is_told(
    both: list[Stats], me: Metadata, tokens: TestTokens, announced: Callable[..., Any]
) -> None:
    streams = [watch(each, me) for each in both]
    stranger = watch(both[0], tuple(tokens.bearer(2)))
    for stream in (*streams, stranger):
        assert (await read(stream)).id == "0"
    theirs = asyncio.create_task(read(stranger))
    for number, day in enumerate(days(2, 1, 0), start=1):
        await announced(completion(user_seq=number, local_date=day))
        told = [await read(stream) for stream in streams]
        assert [(each.id, totals(each)["all"]) for each in told] == [(str(number), number)] * 2
    assert not theirs.done()
    for stream in (*streams, stranger):
        stream.cancel()
    await asyncio.gather(theirs, return_exceptions=True)


async def test_who_comes_back_is_told_nothing_until_more_is_counted_and_then_all(
    both: list[Stats], me: Metadata, apply: Apply, announced: Callable[..., Any]
) -> None:
    facts = history(1, days(3, 2, 1, 0))
    apply(*facts[:2])
    assert (await read(watch(both[0], me, "1"))).name == "snapshot"
    stream = watch(both[1], me, "2")
    async with asyncio.timeout(PATIENCE_SECONDS):
        # It watches, and has nothing to say.
        assert read_events((await stream.read()).data.decode()) == []
    await announced(facts[2])
    told = await read(stream)
    assert (told.id, told.name, totals(told)) == ("3", "changed", {"all": 3, "focus": 3})
    # Of one that was ahead of what is known here, what is here holds.
    assert (await read(watch(both[0], me, "9"))).id == "3"
    refused = await refusal(watch(both[0], me, "no number").read())
    assert refused.reason == "FIELD_INVALID"
    stream.cancel()


async def test_what_was_not_heard_is_found_by_looking(
    stats_settings: dict[str, Any], me: Metadata, apply: Apply
) -> None:
    async with serving_channel({**stats_settings, "watch_look_seconds": 0.2}) as channel:
        stream = watch(rpc.StatsServiceStub(channel), me)
        assert (await read(stream)).id == "0"
        await asyncio.to_thread(apply, *history(1, days(0)))
        assert (await read(stream)).id == "1"
        stream.cancel()


async def test_an_account_has_so_many_watches(stats: Stats, me: Metadata, tokens: TestTokens) -> None:
    streams = [watch(stats, me), watch(stats, me)]
    streams.append(stats.WatchStatistics(pb.WatchStatisticsRequest(), metadata=me))
    async with asyncio.timeout(PATIENCE_SECONDS):
        for stream in streams:
            await stream.read()
        refused = await refusal(watch(stats, me).read())
        assert (refused.reason, refused.trailing["retry-after"]) == ("TOO_MANY_AT_ONCE", "10")
        await watch(stats, tuple(tokens.bearer(2))).read()
    for stream in streams:
        stream.cancel()


async def test_a_watch_ends_with_its_token(stats: Stats, tokens: TestTokens) -> None:
    # Good for some seconds yet: clocks differ.
    stream = watch(stats, tuple(tokens.bearer(1, exp=int(time.time()))))
    assert (await read(stream)).name == "snapshot"
    end = await read(stream)
    assert (end.name, json.loads(end.data)["reason"]) == ("end", "TOKEN_INVALID")
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await stream.read() is grpc.aio.EOF


@pytest.fixture
async def counted(stats_settings: dict[str, Any]) -> AsyncIterator[tuple[Any, Stats]]:
    """A process that looks often, and the wire to its database."""
    async with wire_to(stats_settings["database_url"]) as (wire, behind):
        looking = {"watch_look_seconds": 0.25, "max_watches_per_user": 10}
        async with serving_channel({**stats_settings, **looking, "database_url": behind}) as channel:
            yield wire, rpc.StatsServiceStub(channel)


async def test_a_hundred_idle_watchers_ask_the_database_nothing(
    counted: tuple[Any, Stats], tokens: TestTokens, announced: Callable[..., Any]
) -> None:
    wire, stats = counted
    streams = []
    for person in range(1, 11):
        mine = tuple(tokens.bearer(person))
        some = [watch(stats, mine) for _ in range(10)]
        assert {each.id for each in await asyncio.gather(*map(read, some))} == {"0"}
        streams += some
    heard = [asyncio.create_task(read(stream)) for stream in streams]

    before = wire.round_trips
    await asyncio.sleep(2.5)
    assert 1 <= wire.round_trips - before < MOST_QUERIES

    await announced(*history(1, days(0)))
    told = await asyncio.gather(*heard[:10])
    assert [each.id for each in told] == ["1"] * 10
    assert not any(task.done() for task in heard[10:])
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*heard, return_exceptions=True)


def test_the_service_has_a_limit_for_watches(stats_settings: dict[str, Any]) -> None:
    limits = Settings(**stats_settings).limits()
    by_lines, by_events = (
        limits.at(f"/practice.stats.v1.StatsService/{each}")
        for each in ("WatchStatistics", "WatchStatisticsAsEvents")
    )
    assert by_lines is by_events
    assert by_lines is not limits.calls
