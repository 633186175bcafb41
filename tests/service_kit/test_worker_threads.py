"""Work beside the event loop: bounded, in turn, and never for who has left."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from service_kit.errors import TooManyAtOnceError
from service_kit.tokens import TokenVerifier
from service_kit.worker_threads import LARGE_BYTES, WorkerThreads
from tests.tokens import ISSUER, TestTokens
from tests.waiting import PATIENCE_SECONDS


class Blocking:
    """Work that lasts until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.released = threading.Event()
        self.done: list[str] = []

    def __call__(self, name: str) -> str:
        self.begun.set()
        self.released.wait(60)
        self.done.append(name)
        return name


@pytest.fixture
def work() -> Iterator[Blocking]:
    work = Blocking()
    yield work
    work.released.set()


async def test_work_is_done_one_piece_after_the_other_and_its_outcome_returned(work: Blocking) -> None:
    threads = WorkerThreads("documents", most_waiting=5)
    work.released.set()
    assert await asyncio.gather(*(threads(work, name) for name in "abc")) == ["a", "b", "c"]
    with pytest.raises(ZeroDivisionError):
        await threads(lambda: 1 // 0)


async def test_too_much_is_refused_at_once_and_taken_again_when_there_is_room(work: Blocking) -> None:
    threads = WorkerThreads("documents", most_waiting=2)
    taken = [asyncio.create_task(threads(work, name)) for name in "abc"]
    await asyncio.sleep(0)
    with pytest.raises(TooManyAtOnceError) as refused:
        await threads(work, "d")
    assert refused.value.metadata == {"what": "documents", "limit": "2", "retry_after": "1"}
    work.released.set()
    assert await asyncio.gather(*taken) == ["a", "b", "c"]
    assert await threads(work, "e") == "e"


async def test_a_small_piece_waits_for_no_large_one(work: Blocking) -> None:
    threads = WorkerThreads("documents", most_waiting=2)
    large = asyncio.create_task(threads(work, "x" * (LARGE_BYTES + 1)))
    await asyncio.to_thread(work.begun.wait, PATIENCE_SECONDS)
    assert await threads(len, "small") == 5
    assert not large.done()
    work.released.set()
    await large


async def test_between_large_pieces_others_have_as_long_as_the_last_one_took() -> None:
    threads = WorkerThreads("documents", most_waiting=2)
    times: list[tuple[float, float]] = []

    def work(_: str) -> None:
        began = time.monotonic()
        time.sleep(0.2)
        times.append((began, time.monotonic()))

    await asyncio.gather(*(threads(work, "x" * (LARGE_BYTES + 1)) for _ in range(2)))
    (began, ended), (next_began, _) = times
    assert next_began - ended >= (ended - began) * 0.95


async def test_work_of_a_caller_who_left_is_not_begun(work: Blocking) -> None:
    threads = WorkerThreads("documents", most_waiting=2)
    first = asyncio.create_task(threads(work, "first"))
    await asyncio.to_thread(work.begun.wait, 60)
    left = asyncio.create_task(threads(work, "left"))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.wait([left])
    work.released.set()
    assert await first == "first"
    assert await threads(work, "last") == "last"
    assert work.done == ["first", "last"]


async def test_a_fresh_token_is_checked_while_all_other_threads_work(
    work: Blocking, tokens: TestTokens
) -> None:
    threads = WorkerThreads("documents", most_waiting=50)
    pieces = [asyncio.create_task(threads(work, "piece")) for _ in range(20)]
    pieces += [asyncio.create_task(asyncio.to_thread(work, "other")) for _ in range(40)]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        assert (await TokenVerifier(tokens.jwks_uri, ISSUER).verify(tokens.issue(7))).user_id == 7
    assert not any(piece.done() for piece in pieces)
    work.released.set()
    await asyncio.gather(*pieces)
