"""Ends what a test process started, however that process ended.

PostgreSQL and Redis die with whoever started them. A stack does not, by design,
and neither do the programs that tests start in sessions of their own. So every
test process has a guard, in a session of its own too. A pipe between the two
closes when the test process is gone, killed or not; the guard then kills the
programs that carry the process's mark in their environment and stops the stacks
it was told of.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
MARK = "PRACTICE_TEST_PROCESS"
# A supervisor that was being launched shows itself within this many seconds.
LAUNCH_SECONDS = 3.0


class Guard:
    """The guard of this process, which marks every program started from now on."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name != MARK}
        os.environ[MARK] = uuid.uuid4().hex
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.guard", os.environ[MARK]],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            # Whoever reads what the tests say must not wait for the guard.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def watch(self, home: Path) -> None:
        """Tells it of the directory of a stack that is about to start."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{home}\n")
        self._process.stdin.flush()


@cache
def guard() -> Guard:
    """The one guard of this process."""
    return Guard()


def marked(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment of a program that gets nothing else of this process's."""
    return {MARK: os.environ[MARK], **environment}


def kill_marked(mark: str) -> None:
    """Kills every program with the mark."""
    for program in psutil.process_iter():
        with suppress(psutil.Error):
            if program.environ().get(MARK) == mark:
                program.kill()


def stop_stacks(homes: Sequence[Path]) -> None:
    """Stops stacks; mostly there is nothing left to stop."""
    from deploy.local import temporary
    from deploy.local.stack import LocalStack

    for home in homes:
        LocalStack.last_started(home).down()
    temporary.remove_stale()


def stand_guard(mark: str) -> None:
    """Waits for the end of the pipe, and with it of the process behind it; ends what that left."""
    homes = [Path(line.removesuffix("\n")) for line in sys.stdin]
    kill_marked(mark)
    stop_stacks(homes)
    if homes:
        time.sleep(LAUNCH_SECONDS)
        stop_stacks(homes)


if __name__ == "__main__":
    stand_guard(sys.argv[1])
