"""Ends processes that live and do not answer, so that the supervisor starts them again.

    python -m deploy.local.watcher HOME

The supervisor sees that a process is alive; that it hangs only a probe can see.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from deploy import probe, topology
from deploy.local import health, record
from deploy.local.control import State, Supervisor
from deploy.local.layout import Layout
from deploy.local.ports import Ports
from deploy.local.settings import Settings
from service_kit.logging import configure_logging, get_logger
from service_kit.setting_faults import read_settings
from service_kit.setting_types import LogLevel

log = get_logger(__name__)

_PAUSE_SECONDS = 2.0
# A watcher that was held up itself has asked only once in all that time.
_FEWEST_MISSES = 3

Ask = Callable[[topology.Process, State], None]
End = Callable[[State], None]


class WatcherSettings(BaseSettings):
    """What the watcher reads from the environment."""

    heartbeat_file: Path = Field(description="file that the watcher touches while it works")
    hung_seconds: float = Field(
        default=20.0, ge=5, le=3_600, description="seconds without an answer until a process is ended"
    )
    log_level: LogLevel = Field(default="INFO", description="what is logged: this and everything graver")


class Watcher:
    """Remembers which processes have answered, and since when they do not.

    A process counts once it has answered: one that is still starting is its
    supervisor's matter. `ask` raises UnansweredError, or another UnhealthyError
    for a process that does answer.
    """

    def __init__(
        self, ask: Ask, end: End, hung_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._end = end
        self._hung_seconds = hung_seconds
        self._clock = clock
        # By name: which start it was that answered, when it last did and how often it has not since.
        self._answered: dict[str, tuple[float, float, int]] = {}

    def look(self, states: Mapping[str, State], processes: Sequence[topology.Process]) -> None:
        """Asks every process that runs, all at once, and ends those that hang."""
        running = [(each, states[each.name]) for each in processes if _runs(states.get(each.name))]
        if not running:
            return
        with ThreadPoolExecutor(len(running)) as asking:
            answers = list(asking.map(lambda each: self._answers(*each), running))
        for (process, state), answers_now in zip(running, answers, strict=True):
            self._take(process.name, state, answers_now)

    def _answers(self, process: topology.Process, state: State) -> bool:
        try:
            self._ask(process, state)
        except probe.UnansweredError:
            return False
        except probe.UnhealthyError:
            # Unwell is not hung: starting it again would not mend what it waits for.
            return True
        return True

    def _take(self, name: str, state: State, answers: bool) -> None:
        now = self._clock()
        if answers:
            self._answered[name] = (state.started, now, 0)
            return
        started, last, misses = self._answered.get(name, (0.0, now, 0))
        if started != state.started:
            return
        self._answered[name] = (started, last, misses + 1)
        if misses + 1 >= _FEWEST_MISSES and now - last >= self._hung_seconds:
            del self._answered[name]
            log.warning("hung_process_ended", process=name, pid=state.pid, seconds=round(now - last))
            self._end(state)


def _runs(state: State | None) -> bool:
    return state is not None and state.state == "RUNNING"


def _end(supervisor: Supervisor) -> End:
    def end(seen: State) -> None:
        now = supervisor.states().get(seen.name)
        if now is not None and now.pid == seen.pid and now.alive:
            os.kill(seen.pid, signal.SIGKILL)

    return end


def watch(layout: Layout, settings: WatcherSettings) -> None:
    """Watches the stack of a directory until its supervisor is gone."""
    supervisor = Supervisor(layout)
    parent = os.getppid()

    def ports() -> Ports:
        # They may have changed since the last look.
        last = record.read(layout)
        return last.ports if last else Ports()

    def ask(process: topology.Process, state: State) -> None:
        health.check(Settings(layout, ports()), process, state.started)

    watcher = Watcher(ask, _end(supervisor), settings.hung_seconds)
    # The servers of others' making are not ended: one that is slow under load would only
    # have its work of recovery added to that.
    ours = [process for process in topology.PROCESSES if process.image not in ("postgres", "redis")]
    while os.getppid() == parent:
        now = ports()
        each = [copy for process in ours for copy in topology.copies(process, now.count(process.name))]
        watcher.look(supervisor.states(), each)
        settings.heartbeat_file.touch()
        time.sleep(_PAUSE_SECONDS)


def main() -> None:
    """Reads the settings and watches."""
    settings = read_settings(WatcherSettings)
    configure_logging("watcher", settings.log_level)
    watch(Layout(Path(sys.argv[1])), settings)


if __name__ == "__main__":
    main()
