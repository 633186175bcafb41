"""What lives and does not answer is ended; what is unwell, starting or slow for a moment is not."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from deploy import probe, topology
from deploy.local.control import State
from deploy.local.stack import LocalStack
from deploy.local.watcher import Watcher
from tests.deploy.conftest import MakeStack
from tests.stack import asked_by_the_watcher
from tests.waiting import eventually

STATS = next(process for process in topology.PROCESSES if process.name == "stats")
HUNG_SECONDS = 10.0
WATCHED_SECONDS = 120.0


class Watched:
    """A watcher over one process that answers, or not, as a test says."""

    def __init__(self) -> None:
        self.now = 0.0
        self.answer: Exception | None = None
        self.state = State("stats", "RUNNING", 41, 1_000.0, Path("stats.log"))
        self.ended: list[int] = []
        self._watcher = Watcher(
            self._ask, lambda state: self.ended.append(state.pid), HUNG_SECONDS, lambda: self.now
        )

    def look(self, after_seconds: float = 2.0) -> None:
        self.now += after_seconds
        self._watcher.look({"stats": self.state}, [STATS])

    def _ask(self, _process: topology.Process, _state: State) -> None:
        if self.answer is not None:
            raise self.answer


@pytest.fixture
def watched() -> Watched:
    return Watched()


def look_for(watched: Watched, seconds: float) -> None:
    stop = watched.now + seconds
    while watched.now < stop:
        watched.look()


def test_a_process_that_answered_and_does_not_any_more_is_ended_once(watched: Watched) -> None:
    watched.look()
    watched.answer = probe.UnansweredError("no answer")
    look_for(watched, HUNG_SECONDS - 2)
    assert watched.ended == []
    look_for(watched, HUNG_SECONDS * 5)
    assert watched.ended == [41]


def test_a_process_that_answers_now_and_then_stays(watched: Watched) -> None:
    for _ in range(5):
        watched.answer = None
        watched.look()
        watched.answer = probe.UnansweredError("no answer")
        look_for(watched, HUNG_SECONDS - 2)
    assert watched.ended == []


def test_a_process_that_says_it_is_unwell_stays(watched: Watched) -> None:
    watched.look()
    watched.answer = probe.UnhealthyError("not serving")
    look_for(watched, HUNG_SECONDS * 5)
    assert watched.ended == []


def test_a_process_that_has_not_answered_since_its_start_is_left_to_start(watched: Watched) -> None:
    watched.answer = probe.UnansweredError("no answer")
    look_for(watched, HUNG_SECONDS * 5)
    watched.answer = None
    watched.look()
    watched.state = replace(watched.state, pid=42, started=2_000.0)
    watched.answer = probe.UnansweredError("no answer")
    look_for(watched, HUNG_SECONDS * 5)
    assert watched.ended == []


def test_a_watcher_that_was_held_up_itself_asks_again_before_it_ends_anything(watched: Watched) -> None:
    watched.look()
    watched.answer = probe.UnansweredError("no answer")
    watched.look(after_seconds=3_600)
    assert watched.ended == []


def test_a_stopped_process_is_started_anew_by_the_supervisor(
    make_stack: MakeStack, small_gateway: topology.Process
) -> None:
    stack: LocalStack = make_stack(small_gateway, topology.WATCHER, environment={"HUNG_SECONDS": "5"})
    stack.up()
    hung = stack.pid("gateway")
    eventually(asked_by_the_watcher(stack))
    os.kill(hung, signal.SIGSTOP)
    eventually(lambda: not psutil.pid_exists(hung), WATCHED_SECONDS)
    stack.wait_healthy()
    assert httpx.get(f"{stack.gateway_url}/health").status_code == 200
