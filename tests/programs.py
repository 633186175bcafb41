"""Starts Python programs of this project without importing everything anew.

Most of what starting one costs are its imports. A process that is done with them
forks for each program: what runs is a process of its own, in a session of its own,
with its own environment and output, and ends as `python -m MODULE WORD...` would.
"""

from __future__ import annotations

import atexit
import gc
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
# Without the modules of workers, which read their settings when they are imported.
IMPORTED = (
    "celery.bin.celery",
    "deploy.cli",
    "gateway.bridge.main",
    "httpx",
    "kombu.transport.redis",
    "session_service.main",
    "session_service.relay",
    "stats_service.main",
)
_MOST_BYTES = 128 * 1024
_STANDARD_FILES = 3


class Program:
    """A forked program, used as `subprocess.Popen` with text is.

    Its output goes to `output`, or to pipes of its own like its input.
    """

    def __init__(
        self,
        module: str,
        *words: str,
        env: Mapping[str, str],
        output: IO[bytes] | None = None,
        directory: Path = ROOT,
    ) -> None:
        given = {"module": module, "words": words, "environment": dict(env), "directory": str(directory)}
        request = json.dumps(given)
        self.args = [module, *words]
        self.returncode: int | None = None
        self.stdin: IO[str] | None = None
        self.stdout: IO[str] | None = None
        self.stderr: IO[str] | None = None
        with ExitStack() as theirs:
            if output is None:
                pipes = [os.pipe() for _ in range(_STANDARD_FILES)]
                self.stdin = os.fdopen(pipes[0][1], "w")
                self.stdout, self.stderr = os.fdopen(pipes[1][0]), os.fdopen(pipes[2][0])
                files = [pipes[0][0], pipes[1][1], pipes[2][1]]
                for file in files:
                    theirs.callback(os.close, file)
            else:
                nothing = theirs.enter_context(Path(os.devnull).open("rb"))
                files = [nothing.fileno(), output.fileno(), output.fileno()]
            self._report, report = socket.socketpair(type=socket.SOCK_SEQPACKET)
            theirs.enter_context(report)
            socket.send_fds(_forker(), [request.encode()], [*files, report.fileno()])
        self._report.settimeout(PATIENCE_SECONDS)
        self.pid = int(self._report.recv(_MOST_BYTES))

    def poll(self) -> int | None:
        """Returns how it ended; None while it runs."""
        with suppress(BlockingIOError):
            self._end(0)
        return self.returncode

    def wait(self, timeout: float = PATIENCE_SECONDS) -> int:
        """Returns how it ended once it has. Raises TimeoutError."""
        return self._end(timeout)

    def send_signal(self, number: int) -> None:
        """Sends a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills it as a crash would."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, given: str = "", timeout: float = PATIENCE_SECONDS) -> tuple[str, str]:
        """Gives it its input, and returns all that it says once it has ended."""
        assert self.stdin and self.stdout and self.stderr
        with self.stdout, self.stderr, ThreadPoolExecutor(2) as readers:
            told = [readers.submit(stream.read) for stream in (self.stdout, self.stderr)]
            with suppress(BrokenPipeError), self.stdin:
                self.stdin.write(given)
            try:
                self.wait(timeout)
            except TimeoutError:
                self.kill()
                raise
            said, complained = (each.result() for each in told)
        return said, complained

    def _end(self, timeout: float) -> int:
        if self.returncode is None:
            self._report.settimeout(timeout)
            self.returncode = int(self._report.recv(_MOST_BYTES))
            self._report.close()
        return self.returncode


Started: TypeAlias = "Program | subprocess.Popen[str]"


def start(
    module: str,
    *words: str,
    env: Mapping[str, str],
    output: IO[bytes] | None = None,
    directory: Path = ROOT,
) -> Started:
    """Starts a program."""
    if hasattr(os, "pidfd_open"):
        return Program(module, *words, env=env, output=output, directory=directory)
    # Where a process that has imported so much cannot be forked, as on macOS.
    pipe: Any = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=directory,
        env=env,
        stdin=subprocess.DEVNULL if output else pipe,
        stdout=output or pipe,
        stderr=output or pipe,
        text=True,
        start_new_session=True,
    )


def run(
    module: str, *words: str, env: Mapping[str, str], given: str = "", directory: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    program = start(module, *words, env=env, directory=directory)
    said, complained = program.communicate(given, timeout=PATIENCE_SECONDS)
    assert program.returncode is not None
    return subprocess.CompletedProcess(program.args, program.returncode, said, complained)


@cache
def _forker() -> socket.socket:
    """The one forking process of this process; it ends when this end of the pair is closed."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with theirs:
        forker = subprocess.Popen(
            [sys.executable, "-m", "tests.programs", str(theirs.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )

    def leave() -> None:
        ours.close()
        forker.wait()

    atexit.register(leave)
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
                telling.sendall(str(child).encode())
                waiting.register(os.pidfd_open(child), selectors.EVENT_READ, (child, telling))


def _tell_end(waiting: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    child, telling = key.data
    _, status = os.waitpid(child, 0)
    waiting.unregister(key.fileobj)
    os.close(key.fd)
    with telling, suppress(OSError):
        telling.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _take(files: list[int]) -> None:
    """Makes the first files the standard ones, and closes what came along."""
    os.setsid()
    for number, file in enumerate(files[:_STANDARD_FILES]):
        os.dup2(file, number)
    for file in files:
        os.close(file)


def main() -> None:
    """Forks until nobody asks any more; a child goes on as the program it was asked for."""
    for name in IMPORTED:
        importlib.import_module(name)
    # What is not looked through for garbage is not copied for each child either.
    gc.freeze()
    request = fork_for(socket.socket(fileno=int(sys.argv[1])))
    if request is None:
        return
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])
    sys.argv = [request["module"], *request["words"]]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
