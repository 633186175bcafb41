"""The local stack: all processes of the platform on this machine, in one directory, supervised.

stack = LocalStack(home, ports)
stack.up()           # returns when everything is healthy; a no-op when it is
stack.kill("stats")  # the supervisor starts it again
stack.wait_healthy()
stack.down()         # loses nothing
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from deploy import topology
from deploy.local import (
    control,
    credentials,
    descriptions,
    health,
    memory,
    orphans,
    postgres_server,
    preparation,
    restarts,
    temporary,
)
from deploy.local import record as records
from deploy.local.layout import Layout
from deploy.local.ports import HOST, Ports
from deploy.local.settings import Settings
from deploy.local.startup import Node, Report, StackError, Startup

HEALTHY_SECONDS = 90.0
# Between two looks at who is not healthy yet.
WAIT_SECONDS = 0.2


@dataclass(frozen=True)
class ProcessStatus:
    """One row of `practice status`."""

    name: str
    pid: int | None
    # Why it is not healthy; None when it is.
    problem: str | None
    memory_bytes: int
    log: Path
    # How often it ended by itself since the supervisor began, and how long it runs.
    restarts: int = 0
    uptime_seconds: float | None = None

    @property
    def healthy(self) -> bool:
        """Whether it runs and serves."""
        return self.problem is None


def silent(_name: str, _stage: str, _detail: str) -> None:
    """Reports nothing."""


class LocalStack:
    """One stack. Objects are cheap and hold nothing open; two with the same home are the same stack."""

    def __init__(
        self,
        home: Path,
        ports: Ports | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
        processes: Sequence[topology.Process] = (*topology.PROCESSES, topology.WATCHER),
        jobs: Sequence[topology.Job] = topology.JOBS,
        healthy_seconds: float = HEALTHY_SECONDS,
    ) -> None:
        """Describes a stack; starts nothing.

        `environment` stands in for the caller's: DATABASE_URL, REDIS_URL and the
        tunables of the topology count. `ports` say how many processes of each
        service there are. `extra` are further settings for the project's own
        processes. `healthy_seconds` bounds the wait for each process.
        """
        self.layout = Layout(home.absolute())
        self.settings = Settings(self.layout, ports or Ports(), environment or {}, extra or {})
        self._kinds = [process for process in processes if process.name not in self.settings.external]
        self._processes = self._copies(self.settings.ports)
        self._jobs = list(jobs)
        self._nodes: list[Node] = [*self._processes, *self._jobs]
        self._supervisor = control.Supervisor(self.layout)
        self._healthy_seconds = healthy_seconds

    @classmethod
    def last_started(cls, home: Path) -> Self:
        """The stack of a directory with the ports and servers it was last started with."""
        last = records.read(Layout(home.absolute())) or records.Record()
        return cls(home, last.ports, environment=last.servers)

    @property
    def gateway_url(self) -> str:
        """http://127.0.0.1:PORT."""
        return self.settings.gateway_url

    @property
    def operators_url(self) -> str:
        """http://127.0.0.1:PORT/admin/v1, for who has the internal token."""
        return f"http://{HOST}:{self.settings.ports.gateway_operators}/admin/v1"

    @property
    def database_url(self) -> str:
        """The address of the stack's database, with its password."""
        return self.settings.database_url()

    @property
    def redis_url(self) -> str:
        """The address of the stack's Redis, with its password."""
        return self.settings.redis_url()

    def up(self, report: Report = silent) -> bool:
        """Brings everything to health; returns whether anything had to be done.

        Safe to interrupt and to call again. Raises SettingsError before anything
        starts, StackError with one line that names the taken port or the dead
        process and its log.
        """
        temporary.remove_stale()
        self.layout.make()
        with self._only_one():
            try:
                return self._up(report)
            except (control.SupervisorError, credentials.CredentialsError) as error:
                raise StackError(str(error)) from error
            except postgres_server.PostgresError as error:
                raise StackError(f"the database could not be made: {error}") from error

    def _copies(self, ports: Ports) -> list[topology.Process]:
        return [copy for kind in self._kinds for copy in topology.copies(kind, ports.count(kind.name))]

    def _up(self, report: Report) -> bool:
        preparation.make_secrets(self.settings, self._processes)
        preparation.judge_settings(self.settings, self._nodes)
        preparation.generate_stubs(report)
        preparation.build_documentation(report)
        self.settings.sources.forget()
        files = descriptions.render(self.settings, self._processes)
        digest = self._digest(files.digest)
        last = records.read(self.layout)
        if (
            last is not None
            and last.digest == digest
            and all(row.healthy for row in self.status(memory_too=False))
        ):
            return False
        preparation.ask_given_servers(self.settings)
        self._take_over(files, last, report)
        servers = {name: self.settings.environment.get(name, "") for name in records.SERVERS}
        known = {name: url for name, url in servers.items() if url}
        started = records.Record(self.settings.ports, known, given=dict(self.settings.environment))
        records.write(self.layout, started)
        if postgres_server.lacks_roles(self.layout.postgres):
            # One of before there were roles: they are made while no server runs on it.
            self._supervisor.stop(["postgres"])
        preparation.make_database(self.settings, self._processes, report)
        Startup(self.settings, self._supervisor, self._nodes, report, self._healthy_seconds).run()
        records.write(self.layout, replace(started, digest=digest))
        return True

    def _take_over(self, files: descriptions.Files, last: records.Record | None, report: Report) -> None:
        """Has a supervisor on the new configuration, whatever was there before."""
        states = self._supervisor.states()
        answers = self._supervisor.pid() is not None
        if not answers:
            self._stop_orphans()
        alive = {name for name, state in states.items() if state.alive}
        preparation.check_ports(self.settings, self._processes, alive, last)
        files.write()
        if not answers:
            self._supervisor.launch()
            return
        for name in self._supervisor.reload():
            report(name, "waiting", "changed")

    def down(self, report: Report = silent) -> bool:
        """Stops everything, the databases last; returns whether anything ran. Loses nothing."""
        if not self.layout.run.exists():
            return False
        with self._only_one():
            try:
                states = self._supervisor.states()
                for names in self._stop_order(states):
                    for name in names:
                        report(name, "stopping", "")
                    self._supervisor.stop(names)
                    for name in names:
                        report(name, "stopped", "")
                was_up = self._supervisor.pid() is not None
                self._supervisor.shutdown()
            except control.SupervisorError as error:
                raise StackError(str(error)) from error
            any_orphans = self._stop_orphans()
            if self.layout.borrowed is not None:
                temporary.remove(self.layout.borrowed)
            return any_orphans or was_up

    def status(self, *, memory_too: bool = True) -> list[ProcessStatus]:
        """Every process: its id, what is wrong with it, and the memory of its family."""
        states = self._supervisor.states()
        ended = restarts.count(self.layout.log("supervisor"))
        rows = [self._row(process, states.get(process.name), memory_too) for process in self._processes]
        return [replace(row, restarts=ended[row.name]) for row in rows]

    def supervisor_status(self) -> ProcessStatus:
        """The supervisor itself."""
        pid = self._supervisor.pid()
        # Its children are rows of their own.
        size = memory.proportional_bytes(pid, family=False) if pid else 0
        problem = None if pid else "not running"
        return ProcessStatus("supervisor", pid, problem, size, self.layout.log("supervisor"))

    def pid(self, name: str) -> int:
        """The id of a live process. Raises StackError when it is not alive."""
        state = self._supervisor.state(name)
        if state is None or not state.pid:
            raise StackError(f"{name} is not running")
        return state.pid

    def kill(self, name: str) -> int:
        """Kills a process with SIGKILL, as a crash would; returns the id it had.

        Comes back once the supervisor knows, so that wait_healthy() waits for the next one.
        """
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)

        def is_known() -> bool:
            state = self._supervisor.state(name)
            return state is not None and state.pid != pid

        control.wait(is_known, 10.0, f"{name} did not die")
        return pid

    def wait_healthy(self, seconds: float = 60.0) -> None:
        """Waits until every process is healthy. Raises StackError naming one that is not."""
        deadline = time.monotonic() + seconds
        asked = everything = [process.name for process in self._processes]
        # Asking costs both sides: who was healthy is asked again once the others are as well.
        while (unwell := self._unwell(asked)) or asked != everything:
            if unwell and time.monotonic() > deadline:
                first = unwell[0]
                raise StackError(f"{first.name} is not healthy ({first.problem}); its log: {first.log}")
            asked = [row.name for row in unwell] or everything
            if unwell:
                time.sleep(WAIT_SECONDS)

    def _unwell(self, names: Sequence[str]) -> list[ProcessStatus]:
        states = self._supervisor.states()
        asked = [process for process in self._processes if process.name in names]
        rows = [self._row(process, states.get(process.name), memory_too=False) for process in asked]
        return [row for row in rows if not row.healthy]

    def _row(self, process: topology.Process, state: control.State | None, memory_too: bool) -> ProcessStatus:
        log = self.layout.log(process.name)
        pid = state.pid if state is not None and state.pid else None
        problem = health.problem(self.settings, process, state)
        if state is None and (orphan := orphans.find(self.layout, process.name)) is not None:
            pid, problem = orphan.pid, "runs without the supervisor: `make up` takes it back"
        size = memory.proportional_bytes(pid) if pid and memory_too else 0
        uptime = time.time() - state.started if state is not None and state.alive and state.started else None
        return ProcessStatus(process.name, pid, problem, size, log, uptime_seconds=uptime)

    def _digest(self, files: str) -> str:
        """What the running stack must have been started with for `up` to have nothing to do."""
        jobs = [[self.settings.command_of(job), self.settings.environment_of(job)] for job in self._jobs]
        sources = self.settings.sources.digest(("content", "deploy"))
        return hashlib.sha256(f"{files}{jobs}{sources}".encode()).hexdigest()

    def _stop_order(self, states: Mapping[str, control.State]) -> list[list[str]]:
        """Names to stop together, the ones that need others first."""
        depth: dict[str, int] = {}
        for node in self._nodes:
            self._depth(node.name, depth)
        levels = sorted({depth.get(name, 0) for name in states}, reverse=True)
        return [[name for name in states if depth.get(name, 0) == level] for level in levels]

    def _depth(self, name: str, known: dict[str, int]) -> int:
        if name not in known:
            needs = next((node.needs for node in self._nodes if node.name == name), ())
            known[name] = 1 + max((self._depth(need, known) for need in needs), default=-1)
        return known[name]

    def _stop_orphans(self) -> bool:
        orphans.stop_supervisor(self.layout)
        last = records.read(self.layout)
        # There may have been more of them at the last start.
        earlier = self._copies(last.ports) if last else []
        known = {process.name: process for process in (*self._processes, *earlier)}
        found = [orphans.stop(self.layout, process) for process in reversed(known.values())]
        return any(found)

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        """Keeps two `up` or `down` of the same stack from mixing."""
        with (self.layout.run / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
