"""Waking those who watch."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from service_kit.hints import LookSeldom
from session_service.adapters.signals import CommitListener, JournalSignals, LookForChanges
from tests.waiting import PATIENCE_SECONDS


class Database:
    """The versions of sessions, and what was asked."""

    def __init__(self, **versions: int) -> None:
        self.at = {int(name.removeprefix("s")): version for name, version in versions.items()}
        self.asked: list[list[int]] = []

    async def versions(self, session_ids: Collection[int]) -> Mapping[int, int]:
        self.asked.append(sorted(session_ids))
        return {number: self.at[number] for number in session_ids if number in self.at}


async def waiting(signals: JournalSignals, session_id: int, version: int = 1) -> asyncio.Task[None]:
    async def wait() -> None:
        with signals.watch(session_id) as signal:
            await signal.wait(version)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


async def woken(*tasks: asyncio.Task[None]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*tasks)


async def test_a_change_wakes_every_watcher_of_its_session_at_once() -> None:
    signals = JournalSignals()
    watchers = [await waiting(signals, 7) for _ in range(3)]
    other = await waiting(signals, 8)

    signals.notify([7, 9])

    await woken(*watchers)
    assert not other.done()
    other.cancel()


async def test_a_change_that_nobody_watches_for_is_not_kept() -> None:
    signals = JournalSignals()
    signals.notify([7])
    watcher = await waiting(signals, 7)

    assert not watcher.done()
    watcher.cancel()


async def test_a_change_while_a_watcher_is_busy_ends_its_next_wait_and_only_that() -> None:
    signals = JournalSignals()
    with signals.watch(7) as signal:
        signals.notify([7])
        async with asyncio.timeout(PATIENCE_SECONDS):
            await signal.wait(1)
        again = asyncio.create_task(signal.wait(2))
        await asyncio.sleep(0)
        assert not again.done()
        again.cancel()


async def test_one_look_is_for_everybody_and_wakes_those_who_have_seen_another_version() -> None:
    signals, database = JournalSignals(), Database(s7=3, s8=1)
    late, up_to_date = await waiting(signals, 7, version=2), await waiting(signals, 7, version=3)
    others = [await waiting(signals, 8) for _ in range(50)]

    await LookForChanges(signals, database.versions)()

    await woken(late)
    assert database.asked == [[7, 8]]
    assert not any(task.done() for task in (up_to_date, *others))
    for task in (up_to_date, *others):
        task.cancel()


async def test_a_look_wakes_those_who_wait_for_a_session_that_is_gone() -> None:
    signals = JournalSignals()
    watcher = await waiting(signals, 7)
    await LookForChanges(signals, Database().versions)()
    await woken(watcher)


async def test_nothing_is_asked_while_nobody_waits() -> None:
    signals, database = JournalSignals(), Database(s7=1)
    watcher = await waiting(signals, 7)
    watcher.cancel()
    await asyncio.gather(watcher, return_exceptions=True)
    await LookForChanges(signals, database.versions)()
    assert (database.asked, signals.watched()) == ([], [])


async def test_looks_are_rare_while_hints_come_and_frequent_while_none_can() -> None:
    signals, database = JournalSignals(), Database(s7=1)
    watcher = await waiting(signals, 7)
    hears = False
    look = LookSeldom(LookForChanges(signals, database.versions), lambda: hears, every=10)
    for _ in range(5):
        await look()
    assert len(database.asked) == 5

    hears = True
    await look()
    assert len(database.asked) == 6, "what was not heard before is looked for at once"
    for _ in range(20):
        await look()
    assert len(database.asked) == 8
    watcher.cancel()


async def test_a_commit_wakes_those_who_watch_here_and_is_told_to_the_other_processes() -> None:
    class Elsewhere:
        def __init__(self) -> None:
            self.heard: list[int] = []

        def offer(self, events: object) -> None: ...

        def send(self, numbers: Collection[int]) -> None:
            self.heard += numbers

    signals, elsewhere = JournalSignals(), Elsewhere()
    watcher = await waiting(signals, 7)
    CommitListener(elsewhere, signals, elsewhere).wake_watchers([7])
    await woken(watcher)
    assert elsewhere.heard == [7]
