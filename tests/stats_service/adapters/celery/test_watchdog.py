"""The watchdog tells an idle worker from one that lets messages wait."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery.worker import state

from stats_service.adapters.celery.watchdog import Watchdog


class Consumer:
    """A consumer whose queue has this many messages."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        client = SimpleNamespace(llen=lambda _queue: self.waiting)
        channel = SimpleNamespace(conn_or_acquire=lambda: nullcontext(client))
        self.task_consumer = SimpleNamespace(channel=channel)


@pytest.fixture
def heartbeat(tmp_path: Path) -> Path:
    return tmp_path / "heartbeat"


def beats(heartbeat: Path) -> bool:
    """Whether it was touched since the last time."""
    touched = heartbeat.exists()
    heartbeat.unlink(missing_ok=True)
    return touched


def test_an_idle_worker_beside_an_empty_queue_is_well(heartbeat: Path) -> None:
    watchdog = Watchdog(heartbeat)
    for _ in range(5):
        watchdog.look(Consumer(0))
        assert beats(heartbeat)


def test_a_worker_that_receives_is_well_however_long_the_queue(heartbeat: Path) -> None:
    watchdog = Watchdog(heartbeat)
    try:
        for _ in range(5):
            state.total_count["task"] += 1
            watchdog.look(Consumer(1_000))
            assert beats(heartbeat)
    finally:
        state.total_count.clear()


def test_a_worker_that_lets_messages_wait_stops_beating_and_connects_anew(heartbeat: Path) -> None:
    watchdog, consumer = Watchdog(heartbeat), Consumer(3)
    watchdog.look(consumer)
    assert beats(heartbeat)
    watchdog.look(consumer)
    with pytest.raises(ConnectionError):
        watchdog.look(consumer)
    assert not beats(heartbeat)
    watchdog.connected()
    assert beats(heartbeat)


def test_no_file_is_needed() -> None:
    Watchdog(None).look(Consumer(0))
