"""The relay: until the consumer's database has an event, it is sent again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest

from service_kit.errors import UnavailableError
from session_service.application.ports.outbox import Outgoing
from session_service.application.ports.statistics import Verdicts
from session_service.outbox import relay
from session_service.outbox.ports import DueEvent, OutboxQueue
from session_service.outbox.relay import RelayOutbox, Round

FIRST_WAIT = timedelta(seconds=5)


@dataclass
class Row:
    """An outbox row as the relay leaves it."""

    event: DueEvent
    due: bool = True
    # Whether another relay has claimed it meanwhile.
    others: bool = False
    acknowledged: bool = False
    buried: str = ""
    wait: timedelta | None = None
    error: str = ""


class FakeQueue(OutboxQueue):
    """A queue in memory."""

    def __init__(self, *attempts: int) -> None:
        self.rows = [
            Row(DueEvent(UUID(int=number), "kind", f"payload {number}".encode(), count))
            for number, count in enumerate(attempts, 1)
        ]

    def row(self, event_id: UUID) -> Row:
        return self.rows[event_id.int - 1]

    async def look(self, limit: int) -> Sequence[DueEvent]:
        return [replace(row.event, payload=b"") for row in self.rows if row.due][:limit]

    async def claim(self, event_ids: Sequence[UUID]) -> Sequence[DueEvent]:
        assert event_ids
        claimed = [row for row in map(self.row, event_ids) if row.due and not row.others]
        for row in claimed:
            row.due = False
        return [row.event for row in claimed]

    async def acknowledge(self, event_ids: Sequence[UUID]) -> None:
        assert event_ids
        for event_id in event_ids:
            self.row(event_id).acknowledged = True
            self.row(event_id).due = False

    async def bury(self, event_id: UUID, reason: str) -> None:
        self.row(event_id).buried = reason

    async def retry(self, event_ids: Sequence[UUID], *, counted: bool, wait: timedelta, error: str) -> None:
        for event_id in event_ids:
            row = self.row(event_id)
            assert not row.acknowledged
            assert not row.buried
            row.event = replace(row.event, attempts=row.event.attempts + counted)
            row.wait, row.error, row.due = wait, error, False

    def make_due(self) -> None:
        for row in self.rows:
            row.due = not row.acknowledged and not row.buried


class FakePublisher:
    """Implements Publisher."""

    def __init__(self) -> None:
        self.down = False
        # How many messages it takes before it is down.
        self.room = 1_000
        self.published: list[bytes] = []
        self.messages: list[list[bytes]] = []
        self.queued: Iterator[int] = iter(())

    async def publish(self, events: Sequence[Outgoing]) -> None:
        assert events
        if self.down or len(self.messages) == self.room:
            raise UnavailableError("The task queue does not answer", part="redis")
        self.published.extend(event.payload for event in events)
        self.messages.append([event.payload for event in events])

    async def waiting(self) -> int:
        return next(self.queued)


class FakeStatistics:
    """Implements the part of Statistics that a relay asks."""

    def __init__(self) -> None:
        self.applied: set[int] = set()
        self.rejected: dict[int, str] = {}
        self.silent = False
        self.asked: list[list[int]] = []

    async def caught_up(self, user_id: int, user_seq: int) -> bool:
        raise AssertionError("a relay does not wait")

    async def verdicts(self, event_ids: Sequence[UUID]) -> Verdicts | None:
        self.asked.append([event_id.int for event_id in event_ids])
        if self.silent:
            return None
        rejected = {UUID(int=number): reason for number, reason in self.rejected.items()}
        return Verdicts(frozenset(UUID(int=number) for number in self.applied), rejected)


class Bench:
    """A relay on fakes."""

    def __init__(self, *attempts: int, jitter: float = 0.5, batch: int = 500) -> None:
        self.queue = FakeQueue(*attempts)
        self.publisher = FakePublisher()
        self.statistics = FakeStatistics()
        self.relay = RelayOutbox(
            self.queue,
            self.publisher,
            self.statistics,
            first_wait=FIRST_WAIT,
            batch=batch,
            jitter=lambda: jitter,
        )

    async def round(self) -> Round:
        self.queue.make_due()
        return await self.relay()


async def test_an_idle_round_asks_nobody() -> None:
    bench = Bench()
    assert await bench.relay() == Round(due=0, acknowledged=0, published=0, buried=0)
    assert bench.statistics.asked == []


async def test_what_was_applied_is_closed_and_not_sent_again() -> None:
    bench = Bench(0, 3)
    bench.statistics.applied = {1, 2}
    assert await bench.relay() == Round(due=2, acknowledged=2, published=0, buried=0)
    assert all(row.acknowledged and not row.buried for row in bench.queue.rows)
    assert bench.publisher.published == []


async def test_what_was_not_applied_is_sent_again_and_counted() -> None:
    bench = Bench(0, 2)
    assert await bench.relay() == Round(due=2, acknowledged=0, published=2, buried=0)
    assert bench.publisher.published == [b"payload 1", b"payload 2"]
    assert [row.event.attempts for row in bench.queue.rows] == [1, 3]
    assert [row.wait for row in bench.queue.rows] == [FIRST_WAIT, 4 * FIRST_WAIT]


async def test_what_another_relay_has_claimed_meanwhile_is_left_to_that_one() -> None:
    bench = Bench(0, 12, 0)
    for row in bench.queue.rows[:2]:
        row.others = True
    assert await bench.relay() == Round(due=3, acknowledged=0, published=1, buried=0)
    assert bench.publisher.published == [b"payload 3"]
    assert [row.wait for row in bench.queue.rows[:2]] == [None, None]


async def test_what_was_rejected_is_buried_with_the_reason() -> None:
    bench = Bench(1, 0)
    bench.statistics.rejected = {1: "the time zone is unknown"}
    assert await bench.relay() == Round(due=2, acknowledged=0, published=1, buried=1)
    assert bench.queue.rows[0].buried == "the time zone is unknown"
    assert bench.publisher.published == [b"payload 2"], "a dead letter is in nobody's way"


async def test_a_refusal_of_before_keeps_no_requeued_event_from_being_sent() -> None:
    bench = Bench(0)
    bench.statistics.rejected = {1: "the product was unknown"}
    assert await bench.relay() == Round(due=1, acknowledged=0, published=1, buried=0)
    bench.statistics.applied = {1}
    assert await bench.round() == Round(due=1, acknowledged=1, published=0, buried=0)


async def test_an_applied_event_is_never_buried_whatever_else_is_said_of_it() -> None:
    bench = Bench(50)
    bench.statistics.applied = {1}
    bench.statistics.rejected = {1: "another body came under the same id"}
    assert await bench.relay() == Round(due=1, acknowledged=1, published=0, buried=0)
    assert not bench.queue.rows[0].buried


async def test_after_twelve_counted_attempts_an_event_is_buried() -> None:
    bench = Bench(0)
    for attempt in range(1, 13):
        assert (await bench.round()).published == 1
        assert bench.queue.rows[0].event.attempts == attempt
    assert await bench.round() == Round(due=1, acknowledged=0, published=0, buried=1)
    assert "12 attempts" in bench.queue.rows[0].buried
    assert len(bench.publisher.published) == 12
    assert (await bench.round()).due == 0


async def test_while_statistics_are_silent_nothing_is_sent_counted_or_buried() -> None:
    bench = Bench(0, 12)
    bench.statistics.silent = True
    for _ in range(30):
        assert await bench.round() == Round(due=2, acknowledged=0, published=0, buried=0)
    assert [(row.event.attempts, row.wait) for row in bench.queue.rows] == [(0, None), (12, None)]
    bench.statistics.silent, bench.statistics.applied = False, {1, 2}
    assert (await bench.round()).acknowledged == 2


async def test_a_broker_that_is_down_is_not_counted_and_its_fault_is_kept() -> None:
    bench = Bench(0, 1)
    bench.publisher.down = True
    assert await bench.relay() == Round(due=2, acknowledged=0, published=0, buried=0)
    assert [row.event.attempts for row in bench.queue.rows] == [0, 1]
    assert [row.error for row in bench.queue.rows] == ["The task queue does not answer"] * 2
    bench.publisher.down = False
    assert (await bench.round()).published == 2
    assert [row.error for row in bench.queue.rows] == ["", ""]


async def test_what_a_broker_took_before_it_was_full_is_counted_and_not_sent_again_at_once() -> None:
    bench = Bench(*[0] * 650, batch=5_000)
    bench.publisher.room = 1
    assert (await bench.relay()).published == 500
    assert sorted(row.event.attempts for row in bench.queue.rows) == [0] * 150 + [1] * 500
    assert {row.error for row in bench.queue.rows if row.event.attempts} == {""}
    assert {row.error for row in bench.queue.rows if not row.event.attempts} == {
        "The task queue does not answer"
    }


async def test_a_broker_that_is_down_still_lets_verdicts_through() -> None:
    bench = Bench(0, 1, 0)
    bench.publisher.down = True
    bench.statistics.applied, bench.statistics.rejected = {1}, {2: "bad"}
    assert await bench.relay() == Round(due=3, acknowledged=1, published=0, buried=1)


async def test_a_fault_that_is_not_the_brokers_ends_the_round_loudly() -> None:
    bench = Bench(0)

    async def fail(payloads: Sequence[bytes]) -> None:
        raise ValueError("a mistake of ours")

    bench.publisher.publish = fail  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="mistake"):
        await bench.relay()


async def test_a_round_is_at_most_a_batch() -> None:
    bench = Bench(*[0] * 7, batch=3)
    assert [(await bench.relay()).due for _ in range(4)] == [3, 3, 1, 0]
    assert bench.statistics.asked == [[1, 2, 3], [4, 5, 6], [7]]


async def test_a_message_has_all_of_a_learner_and_at_most_five_hundred_events() -> None:
    bench = Bench(*[0] * 1_900, batch=5_000)
    # Learner 4 has more than fit into one, the others 300 and 250 that come in turns.
    owners = [4] * 1_050 + [1, 2] * 250 + [1] * 50 + [3] * 300
    for row, owner in zip(bench.queue.rows, owners, strict=True):
        row.event = replace(row.event, user_id=owner)
    owner_of = {row.event.payload: row.event.user_id for row in bench.queue.rows}
    assert (await bench.relay()).published == 1_900
    told = [[owner_of[payload] for payload in message] for message in bench.publisher.messages]
    assert told == [[1] * 300, [2] * 250, [3] * 300, [4] * 500, [4] * 500, [4] * 50]
    assert sorted(bench.publisher.published) == sorted(owner_of), "each once"


async def test_a_relay_waits_while_the_worker_has_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "LOOK_SECONDS", 0.0)
    bench = Bench()
    bench.publisher.queued = iter([11, 40, 10, 7])
    await bench.relay.wait_for_worker()
    assert [*bench.publisher.queued] == [7], "it went on when few enough were left"
    bench.publisher.queued = itertools.repeat(1_000)
    await bench.relay.wait_for_worker()


async def _wait(attempts: int, jitter: float) -> float:
    bench = Bench(attempts, jitter=jitter)
    bench.publisher.down = True
    await bench.relay()
    (row,) = bench.queue.rows
    assert row.wait is not None
    return row.wait.total_seconds()


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 5), (1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 300), (7, 300), (11, 300)],
)
async def test_each_attempt_waits_twice_as_long_to_five_minutes_give_or_take_a_fifth(
    attempts: int, seconds: float
) -> None:
    assert await _wait(attempts, jitter=0.5) == pytest.approx(seconds)
    assert await _wait(attempts, jitter=0.0) == pytest.approx(seconds * 0.8)
    assert await _wait(attempts, jitter=1.0) == pytest.approx(seconds * 1.2)


async def test_by_itself_a_relay_spreads_its_waits() -> None:
    queue, waits = FakeQueue(*[0] * 20), set()
    for row in queue.rows:
        one = FakeQueue(row.event.attempts)
        await RelayOutbox(one, FakePublisher(), FakeStatistics(), first_wait=FIRST_WAIT)()
        waits.add(one.rows[0].wait)
    assert len(waits) > 1
    assert all(wait and 0.8 * FIRST_WAIT <= wait <= 1.2 * FIRST_WAIT for wait in waits)
