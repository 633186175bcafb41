"""Starts processes and jobs in the order of their needs, as many at once as the needs allow."""

from __future__ import annotations

import importlib
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from deploy import topology
from deploy.faults import CommandError
from deploy.local import health
from deploy.local.control import State, Supervisor
from deploy.local.settings import Settings

Stage = Literal["waiting", "starting", "running", "healthy", "done", "failed", "stopping", "stopped"]
Report = Callable[[str, Stage, str], None]
Node = topology.Process | topology.Job

HEALTHY_SECONDS = 90.0
JOB_SECONDS = 300.0
POLL_SECONDS = 0.1
# How often everything is asked for, whether it gives a sign or not: an answer of the supervisor about all
# processes costs more than everything else in a look.
WHOLE_LOOK_SECONDS = 1.0
# So many starts without health and a process counts as dead. A database whose
# predecessor was killed may have to wait for that one's last workers.
STARTS = {"postgres": 8}
DEFAULT_STARTS = 2


class StackError(CommandError):
    """The stack could not do what was asked; the message is one line for a person."""


@dataclass
class _Attempt:
    """One node that was started and is not finished."""

    node: Node
    since: float
    # The same by the clock of files.
    began: float = field(default_factory=time.time)
    job: subprocess.Popen[bytes] | None = None
    starts: set[float] = field(default_factory=set)
    problem: str = ""


class Startup:
    """One run over the graph of processes and jobs."""

    def __init__(
        self,
        settings: Settings,
        supervisor: Supervisor,
        nodes: Sequence[Node],
        report: Report,
        healthy_seconds: float = HEALTHY_SECONDS,
    ) -> None:
        self._settings = settings
        self._supervisor = supervisor
        self._report = report
        self._healthy_seconds = healthy_seconds
        self._todo = {node.name: node for node in nodes}
        self._known = frozenset(self._todo)
        self._under_way: dict[str, _Attempt] = {}
        self._finished: set[str] = set()
        self._looked_at_all = 0.0

    def run(self) -> None:
        """Starts everything and waits until all is healthy or done. Raises StackError."""
        for name in self._todo:
            self._report(name, "waiting", "")
        try:
            while self._todo or self._under_way:
                self._begin()
                self._look()
                if self._under_way:
                    time.sleep(POLL_SECONDS)
        finally:
            for attempt in self._under_way.values():
                if attempt.job is not None:
                    attempt.job.terminate()
                    attempt.job.wait()

    def _ready(self, node: Node) -> bool:
        # What is not part of this stack (a server given by its address) is there already.
        known = [need for need in node.needs if need in self._known]
        patient = isinstance(node, topology.Process) and node.patient
        return all(need in self._finished or (patient and self._runs(need)) for need in known)

    def _runs(self, need: str) -> bool:
        attempt = self._under_way.get(need)
        return attempt is not None and attempt.job is None

    def _begin(self) -> None:
        began = False
        # One after the other, as who is patient may begin with what it needs. Jobs first: of one that has
        # nothing to do, others have nothing to wait for.
        for node in sorted(self._todo.values(), key=lambda each: isinstance(each, topology.Process)):
            if not self._ready(node):
                continue
            began = True
            del self._todo[node.name]
            if isinstance(node, topology.Job) and self._is_done(node):
                self._finished.add(node.name)
                self._report(node.name, "done", "nothing to do")
                continue
            attempt = _Attempt(node, time.monotonic())
            if isinstance(node, topology.Job):
                attempt.job = self._spawn(node)
                self._report(node.name, "running", "")
            else:
                self._supervisor.start(node.name)
                self._report(node.name, "starting", "")
            self._under_way[node.name] = attempt
        if not began and self._todo and not self._under_way:
            raise StackError(f"needs that nothing meets: {', '.join(self._todo)}")

    def _is_done(self, job: topology.Job) -> bool:
        if not job.asks:
            return False
        module, _, name = job.asks.partition(":")
        ask = getattr(importlib.import_module(module), name)
        # What stands behind `python -m module`.
        return bool(ask(job.command[3:], self._settings.environment_of(job)))

    def _spawn(self, job: topology.Job) -> subprocess.Popen[bytes]:
        with self._settings.layout.log(job.name).open("wb") as log:
            return subprocess.Popen(
                self._settings.command_of(job),
                env=self._settings.environment_of(job),
                cwd=self._settings.layout.run,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _look(self) -> None:
        chosen = list(self._under_way.values())
        if time.monotonic() - self._looked_at_all < WHOLE_LOOK_SECONDS:
            chosen = [attempt for attempt in chosen if attempt.job is not None or self._shows_life(attempt)]
        else:
            self._looked_at_all = time.monotonic()
        any_process = any(attempt.job is None for attempt in chosen)
        states = self._supervisor.states() if any_process else {}
        for attempt in chosen:
            if attempt.job is not None:
                self._look_at_job(attempt, attempt.job)
            else:
                self._look_at_process(attempt, states.get(attempt.node.name))

    def _shows_life(self, attempt: _Attempt) -> bool:
        assert isinstance(attempt.node, topology.Process)
        return health.shows_life(self._settings, attempt.node, attempt.began)

    def _look_at_job(self, attempt: _Attempt, job: subprocess.Popen[bytes]) -> None:
        code = job.poll()
        if code == 0:
            self._finish(attempt, "done")
        elif code is not None:
            self._fail(attempt, f"ended with {code}{self._last_line(attempt.node.name)}")
        elif time.monotonic() - attempt.since > JOB_SECONDS:
            self._fail(attempt, f"is not done after {JOB_SECONDS:.0f} s")

    def _look_at_process(self, attempt: _Attempt, state: State | None) -> None:
        assert isinstance(attempt.node, topology.Process)
        name = attempt.node.name
        problem = health.problem(self._settings, attempt.node, state)
        if problem is None:
            self._finish(attempt, "healthy")
            return
        if state is not None and state.started:
            attempt.starts.add(state.started)
        if state is not None and state.state == "FATAL":
            self._fail(attempt, f"dies as it starts{self._last_line(name)}")
        if len(attempt.starts) > STARTS.get(name, DEFAULT_STARTS):
            self._fail(attempt, f"dies again and again{self._last_line(name)}")
        if time.monotonic() - attempt.since > self._healthy_seconds:
            self._fail(attempt, f"is not healthy after {self._healthy_seconds:.0f} s ({problem})")
        if problem != attempt.problem:
            attempt.problem = problem
            self._report(name, "starting", problem)

    def _finish(self, attempt: _Attempt, stage: Stage) -> None:
        name = attempt.node.name
        del self._under_way[name]
        self._finished.add(name)
        self._report(name, stage, f"{time.monotonic() - attempt.since:.1f} s")

    def _fail(self, attempt: _Attempt, problem: str) -> None:
        name = attempt.node.name
        self._report(name, "failed", "")
        raise StackError(f"{name} {problem}; its log: {self._settings.layout.log(name)}")

    def _last_line(self, name: str) -> str:
        try:
            lines = self._settings.layout.log(name).read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f" ({lines[-1].strip()[:200]})" if lines else ""
