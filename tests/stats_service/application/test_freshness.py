"""Waiting for a completion to be counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, cast

import pytest

from service_kit.errors import UnavailableError
from service_kit.hints import HeardPlaces
from stats_service.application.freshness import Waiting
from tests.waiting import PATIENCE_SECONDS, until

LONG = PATIENCE_SECONDS


class Database:
    """How far learners' facts are counted. An answer is as of when it was asked for."""

    def __init__(self) -> None:
        self.counted: Counter[int] = Counter()
        self.asked: list[set[int]] = []
        self.answering = asyncio.Event()
        self.answering.set()
        self.away = False
        self.heard = HeardPlaces(remembered=0)

    async def applied_through(self, user_ids: Collection[int]) -> Mapping[int, int]:
        self.asked.append(set(user_ids))
        found = {user_id: self.counted[user_id] for user_id in user_ids if self.counted[user_id]}
        await self.answering.wait()
        if self.away:
            raise UnavailableError("away", part="database")
        return found


@pytest.fixture
def database() -> Database:
    return Database()


def waiting_at(database: Database, longest_seconds: float = LONG, **limits: Any) -> Waiting:
    return Waiting(cast("Any", database), database.heard, longest_seconds, **limits)


async def test_who_names_no_completion_waits_for_none_and_asks_nobody(database: Database) -> None:
    assert await waiting_at(database).wait(1, 0)
    assert database.asked == []


async def test_what_is_counted_already_is_not_waited_for(database: Database) -> None:
    database.counted[1] = 5
    assert await waiting_at(database).wait(1, 5)
    assert database.asked == [{1}]


async def test_a_hint_of_the_place_ends_the_wait_without_another_look(database: Database) -> None:
    waiting = waiting_at(database, every_seconds=1e9)
    call = asyncio.create_task(waiting.wait(1, 2))
    await until(lambda: len(database.asked) == 1)
    for hint in ([2, 3], [1, 1], [3, 2]):
        database.heard.hear(hint)
        await asyncio.sleep(0)
    assert not call.done(), "of others, or of less"
    database.heard.hear([7, 1, 1, 3])
    assert await call
    assert database.asked == [{1}]


async def test_a_hint_of_before_is_not_believed_of_what_is_there_now(database: Database) -> None:
    waiting = waiting_at(database, 0)
    database.heard.hear([1, 5])
    assert not await waiting.wait(1, 5), "the database says what was counted before somebody came"


async def test_who_has_less_time_waits_less(database: Database) -> None:
    assert not await waiting_at(database).wait(1, 1, longest_seconds=0)
    assert len(database.asked) == 1


async def test_what_is_counted_during_the_first_look_is_not_missed(database: Database) -> None:
    waiting = waiting_at(database)
    database.answering.clear()
    call = asyncio.create_task(waiting.wait(1, 1))
    await until(lambda: len(database.asked) == 1)
    # The look under way does not see it any more, and the hint comes before anybody sleeps.
    database.heard.hear([1, 1])
    database.answering.set()
    assert await call


async def test_what_a_lost_hint_would_have_said_is_found_by_looking(database: Database) -> None:
    call = asyncio.create_task(waiting_at(database, every_seconds=0.01).wait(1, 1))
    await until(lambda: len(database.asked) > 2)
    database.counted[1] = 1
    assert await call


async def test_a_wait_ends_when_the_time_is_over(database: Database) -> None:
    assert not await waiting_at(database, 0).wait(1, 1_000)
    assert len(database.asked) == 1
    waiting = waiting_at(database, 0.05)
    assert not await waiting.wait(1, 1_000)
    looks = len(database.asked)
    assert looks >= 2, "the last look is no older than the time that is over"
    database.heard.hear([1, 1_000])
    await asyncio.sleep(0)
    assert len(database.asked) == looks, "who has gone looks no more"


async def test_a_database_that_does_not_answer_is_an_error_of_those_who_look(database: Database) -> None:
    waiting = waiting_at(database, every_seconds=0.01)
    call = asyncio.create_task(waiting.wait(1, 1))
    await until(lambda: len(database.asked) >= 1)
    database.away = True
    with pytest.raises(UnavailableError):
        await call
    database.away = False
    database.counted[1] = 1
    assert await waiting.wait(1, 1)


async def test_hundreds_who_wait_ask_in_a_few_queries(database: Database) -> None:
    waiting = waiting_at(database, every_seconds=0.05)
    calls = list[asyncio.Task[bool]]()
    for user_id in [*range(1, 501), *range(1, 101)]:
        calls.append(asyncio.create_task(waiting.wait(user_id, 1)))
        if user_id % 100 == 0:
            # They come one after the other, and look at the same instants all the same.
            await asyncio.sleep(0.005)
    everybody = set(range(1, 501))
    came = len(database.asked)
    await until(lambda: len(database.asked) >= came + 3)
    assert not any(call.done() for call in calls)
    database.heard.hear([number for user_id in everybody for number in (user_id, 1)])
    assert all(await asyncio.gather(*calls))
    assert len(database.asked) <= len(calls) / 10


async def test_beyond_a_limit_callers_look_and_go(database: Database) -> None:
    waiting = waiting_at(database, every_seconds=1e9, most=2)
    calls = [asyncio.create_task(waiting.wait(1, 1)) for _ in range(2)]
    await until(lambda: len(database.asked) == 1)
    database.counted[2] = 1
    assert [await waiting.wait(1, 1), await waiting.wait(2, 1)] == [False, True]
    calls[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await calls[0]
    # Whoever leaves makes room for the next.
    calls[0] = asyncio.create_task(waiting.wait(1, 1))
    await until(lambda: len(database.asked) == 4)
    assert not calls[0].done()
    database.heard.hear([1, 1])
    assert await asyncio.gather(*calls) == [True, True]
