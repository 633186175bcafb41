"""Starts Python programs of this project without importing everything anew.

Most of what a short command costs are its imports. One process that is done with
them forks for each program: what runs is a process of its own, with its own
environment, input and output, and ends as `python -m MODULE WORD...` would.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeAlias

from tests.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parent.parent
# What each command imports first, and what some of them import when they need it.
IMPORTED = ("deploy.cli", "deploy.demo", "httpx", "stats_service.adapters.cel.conditions")
_MOST_BYTES = 128 * 1024
_STANDARD_FILES = 3


class Program:
    """A started program, as `subprocess.Popen` with three pipes of text would be."""

    def __init__(self, module: str, *words: str, env: Mapping[str, str]) -> None:
        request = json.dumps({"module": module, "words": words, "environment": dict(env)})
        with ExitStack() as theirs:
            pipes = [os.pipe() for _ in range(_STANDARD_FILES)]
            self._report, report = socket.socketpair(type=socket.SOCK_SEQPACKET)
            theirs.enter_context(report)
            ends = [pipes[0][0], pipes[1][1], pipes[2][1]]
            for end in ends:
                theirs.callback(os.close, end)
            socket.send_fds(_forker(), [request.encode()], [*ends, report.fileno()])
        self.stdin: IO[str] = os.fdopen(pipes[0][1], "w")
        self.stdout: IO[str] = os.fdopen(pipes[1][0])
        self.stderr: IO[str] = os.fdopen(pipes[2][0])
        self._report.settimeout(PATIENCE_SECONDS)
        self.pid: int = self._told()
        self.returncode: int | None = None

    def send_signal(self, number: int) -> None:
        """Sends a signal unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def communicate(self, given: str = "", timeout: float = PATIENCE_SECONDS) -> tuple[str, str]:
        """Gives it its input, and returns all that it says once it has ended."""
        with self.stdout, self.stderr, self._report, ThreadPoolExecutor(2) as readers:
            told = [readers.submit(stream.read) for stream in (self.stdout, self.stderr)]
            with suppress(BrokenPipeError), self.stdin:
                self.stdin.write(given)
            self._report.settimeout(timeout)
            try:
                self.returncode = self._told()
            except TimeoutError:
                os.kill(self.pid, signal.SIGKILL)
                raise
            said, complained = (each.result() for each in told)
        return said, complained

    def _told(self) -> Any:
        return json.loads(self._report.recv(_MOST_BYTES))


Started: TypeAlias = "Program | subprocess.Popen[str]"


def start(module: str, *words: str, env: Mapping[str, str]) -> Started:
    """Starts a program whose output is read later."""
    if hasattr(os, "pidfd_open"):
        return Program(module, *words, env=env)
    # Where a process that has imported so much cannot be forked, as on macOS.
    pipe, command = subprocess.PIPE, [sys.executable, "-m", module, *words]
    return subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def run(
    module: str, *words: str, env: Mapping[str, str], given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    program = start(module, *words, env=env)
    said, complained = program.communicate(given, timeout=PATIENCE_SECONDS)
    assert program.returncode is not None
    return subprocess.CompletedProcess([module, *words], program.returncode, said, complained)


@cache
def _forker() -> socket.socket:
    """The one forking process of this process; it ends when this end of the pair is closed."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-m", "tests.programs", str(theirs.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return ours


def fork_for(control: socket.socket) -> dict[str, Any] | None:
    """Forks for each request. Returns in every child its request, and in the parent nothing in the end."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is not control:
                    _tell_end(waiting, key)
                    continue
                message, files, _, _ = socket.recv_fds(control, _MOST_BYTES, _STANDARD_FILES + 1)
                if not message:
                    return None
                child = os.fork()
                if not child:
                    control.close()
                    _take(files)
                    return dict(json.loads(message))
                *standard, report = files
                for file in standard:
                    os.close(file)
                telling = socket.socket(fileno=report)
                telling.sendall(json.dumps(child).encode())
                waiting.register(os.pidfd_open(child), selectors.EVENT_READ, (child, telling))


def _tell_end(waiting: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    child, telling = key.data
    _, status = os.waitpid(child, 0)
    waiting.unregister(key.fileobj)
    os.close(key.fd)
    with telling, suppress(OSError):
        telling.sendall(json.dumps(os.waitstatus_to_exitcode(status)).encode())


def _take(files: list[int]) -> None:
    """Makes the first files the standard ones, and closes what came along."""
    for number, file in enumerate(files[:_STANDARD_FILES]):
        os.dup2(file, number)
    for file in files:
        os.close(file)


def main() -> None:
    """Forks until nobody asks any more; a child goes on as the program it was asked for."""
    for name in IMPORTED:
        importlib.import_module(name)
    request = fork_for(socket.socket(fileno=int(sys.argv[1])))
    if request is None:
        return
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = [request["module"], *request["words"]]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
