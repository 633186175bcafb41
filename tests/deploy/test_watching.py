"""Whoever waits for a job is told how far it is, what fails, and that nobody works on it."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from practice.stats.v1 import recalculation_service_pb2 as pb
from rich.console import Console

from deploy.commands.recalculation.display import Watching
from deploy.commands.stall import PATIENCE_SECONDS, StallDetector

Report = Callable[..., str]


class Clock:
    """Stands still unless it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=[False, True], ids=["lines", "terminal"])
def terminal(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def reporting(clock: Clock, *, terminal: bool = False) -> Report:
    """Returns what reports a state some seconds later, and returns what was written of it."""
    written = io.StringIO()
    watching = Watching(Console(file=written, force_terminal=terminal, width=200), clock)

    def report(seconds: float, **state: object) -> str:
        clock.now += seconds
        before = len(written.getvalue())
        fields: dict[str, object] = {"expected_completion_count": 1_000, "shard_count": 10, **state}
        watching.report(pb.Recalculation(**fields))  # type: ignore[arg-type]
        return written.getvalue()[before:]

    return report


def test_without_a_terminal_lines_say_how_far_it_is(clock: Clock) -> None:
    report = reporting(clock)
    assert report(0) == "recalculating 0%: 0 learners, 0 completions\n"
    assert report(1, settled_completion_count=100) == ""
    assert report(9, settled_completion_count=300, done_shard_count=3) != ""
    line = report(
        10, settled_completion_count=600, done_shard_count=6, learner_count=30, completion_count=601
    )
    assert line == "recalculating 60%: 30 learners, 601 completions, 26/s, 16 s left\n"
    done = report(0.1, finish_time=Timestamp(seconds=1), done_shard_count=10, shadow=True)
    assert done.startswith("comparing 100%")


def test_it_is_told_once_that_nobody_works_on_it(clock: Clock, terminal: bool) -> None:
    report = reporting(clock, terminal=terminal)
    report(0)
    assert "nothing was done" not in report(PATIENCE_SECONDS - 1)
    assert "does a recalculation worker run?" in report(2)
    assert "nothing was done" not in report(PATIENCE_SECONDS * 5)
    assert "nothing was done" not in report(1, done_shard_count=1)
    assert "nothing was done" in report(PATIENCE_SECONDS + 1, done_shard_count=1)


def test_an_end_is_no_standstill(clock: Clock) -> None:
    report = reporting(clock)
    report(0)
    assert "nothing was done" not in report(PATIENCE_SECONDS * 2, cancel_time=Timestamp(seconds=1))


def test_why_a_part_did_not_get_on_is_told_while_it_is_tried_again(clock: Clock, terminal: bool) -> None:
    report = reporting(clock, terminal=terminal)
    assert "did not get on" not in report(0)
    assert "tried again: ValueError: [bad] row" in report(1, last_error="ValueError: [bad] row")
    assert "did not get on" not in report(1, last_error="ValueError: [bad] row")
    report(1)
    assert "did not get on" in report(1, last_error="ValueError: [bad] row")


def test_what_moves_never_stands_still() -> None:
    clock = Clock()
    standstill = StallDetector(5, clock)
    for place in range(10):
        clock.now += 4
        assert not standstill.detect(place)
