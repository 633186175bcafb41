"""Talks to the stack's supervisor: starts it, asks it, tells it, ends it.

supervisord starts every process again that dies. It is a process of its own
session, so a Ctrl-C or a closed terminal does not reach the stack.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from deploy import topology
from deploy.faults import CommandError
from deploy.local import processes, programs, temporary
from deploy.local.layout import Layout, make_private

START_SECONDS = 15.0
ALIVE = ("STARTING", "RUNNING")
_NO_SUCH_PROCESS = 10
_ALREADY = (60, 70, 90)  # ALREADY_STARTED, NOT_RUNNING, ALREADY_ADDED


class SupervisorError(CommandError):
    """The supervisor did not start or did not obey."""


@dataclass(frozen=True)
class State:
    """What the supervisor knows of a process."""

    name: str
    state: str
    pid: int
    # Seconds since the epoch; 0 when it was never started.
    started: float
    log: Path

    @property
    def alive(self) -> bool:
        """Whether there is a process at the moment."""
        return self.state in ALIVE


def configuration(layout: Layout, services: Iterable[topology.Process], digests: Mapping[str, str]) -> str:
    """The text of supervisord.conf.

    Paths are relative to run/, where supervisord is started: it expands a `%`
    in some of its values more than once, so not every absolute path can be given.
    """
    sections = [
        f"""[supervisord]
logfile=../log/supervisor.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile=supervisord.pid
identifier=practice
directory=.
umask=077
{"user=root" if os.geteuid() == 0 else ""}
[unix_http_server]
file={_text(layout.socket)}
chmod=0600
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
    ]
    return "\n".join([*sections, *(_program(layout, process, digests[process.name]) for process in services)])


def _program(layout: Layout, process: topology.Process, digest: str) -> str:
    command = shlex.join(programs.launched(Path(layout.description(process.name).name)))
    # The description's digest makes a changed one a changed program for the supervisor.
    return f"""[program:{process.name}]
command={_text(command)}
environment=PRACTICE_DESCRIPTION="{digest}"
autostart=false
autorestart=true
startsecs=2
startretries=50
stopsignal={process.stop_signal}
stopwaitsecs={process.stop_seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile=../log/{process.name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def _text(value: object) -> str:
    # supervisord expands %(name)s in every value.
    return str(value).replace("%", "%%")


class Supervisor:
    """The supervisor of one stack. Methods raise SupervisorError when it does not answer."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._layout.socket}")
        try:
            proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise SupervisorError(f"the supervisor does not answer ({error})") from error
        finally:
            transport.close()

    def _order(self, method: str, *arguments: Any) -> None:
        """Calls what may be true already."""
        try:
            self._call(method, *arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode not in (*_ALREADY, _NO_SUCH_PROCESS):
                raise SupervisorError(f"{method} {arguments}: {fault.faultString}") from fault

    def pid(self) -> int | None:
        """Its process id, or None when it does not answer."""
        try:
            return int(self._call("getPID"))
        except SupervisorError:
            return None

    def states(self) -> dict[str, State]:
        """Every process by name; empty when the supervisor does not run."""
        try:
            infos = self._call("getAllProcessInfo")
        except SupervisorError:
            return {}
        return {info["name"]: _state(info) for info in infos}

    def state(self, name: str) -> State | None:
        """One process, at a tenth of what all of them cost; None when the supervisor does not know it."""
        try:
            return _state(self._call("getProcessInfo", name))
        except (SupervisorError, xmlrpc.client.Fault):
            return None

    def launch(self) -> None:
        """Starts supervisord on the written configuration; it starts no process by itself.

        Raises PermissionError when the directory for its socket belongs to somebody else.
        """
        borrowed = self._layout.borrowed
        if borrowed is not None:
            make_private(borrowed)
            temporary.own(borrowed, os.getpid())
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", self._layout.supervisor_config.name]
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=kept,
            cwd=self._layout.run,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            raise SupervisorError(f"supervisord did not start: {(done.stderr or done.stdout).strip()}")
        wait(lambda: self.pid() is not None, START_SECONDS, "supervisord does not answer")
        pid = self.pid()
        if borrowed is not None and pid is not None:
            temporary.own(borrowed, pid)

    def reload(self) -> list[str]:
        """Takes over a changed configuration; returns the processes it stopped for that."""
        [[added, changed, removed]] = self._call("reloadConfig")
        for name in (*changed, *removed):
            self.stop([name])
            self._order("removeProcessGroup", name)
        for name in (*added, *changed):
            self._order("addProcessGroup", name)
        return [*changed, *removed]

    def start(self, name: str) -> None:
        """Starts a process and returns at once; a no-op when it runs."""
        self._order("startProcess", name, False)

    def stop(self, names: Iterable[str]) -> None:
        """Stops processes together and waits until they are gone; a no-op for stopped ones."""
        names = list(names)
        for name in names:
            self._order("stopProcess", name, False)
        longest = max((p.stop_seconds for p in topology.PROCESSES if p.name in names), default=20)

        def gone() -> bool:
            states = self.states()
            return not any(name in states and states[name].pid for name in names)

        wait(gone, longest + 10, f"{', '.join(names)} did not stop")

    def shutdown(self) -> None:
        """Ends supervisord itself, after its processes were stopped."""
        pid = self.pid()
        if pid is None:
            return
        self._order("shutdown")
        with contextlib.suppress(psutil.NoSuchProcess):
            processes.wait_gone([psutil.Process(pid)], 30.0)


def _state(info: Mapping[str, Any]) -> State:
    return State(info["name"], info["statename"], info["pid"], info["start"], Path(info["stdout_logfile"]))


def wait(condition: Callable[[], bool], seconds: float, problem: str) -> None:
    """Waits for a condition. Raises SupervisorError with the problem."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SupervisorError(problem)
        time.sleep(0.05)
