"""A run of tests that is ended from outside leaves nothing running and nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local import processes
from deploy.local.control import wait
from deploy.local.layout import ROOT
from tests.guard import MARK

START_SECONDS = 60.0
END_SECONDS = 30.0


@pytest.fixture
def place() -> Iterator[Path]:
    """A temporary directory of the run's own, with a name as short as the system's."""
    directory = Path(tempfile.mkdtemp(prefix="held-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def hold(place: Path, *options: str) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Starts a run that holds one of everything; returns it and the ids of all it started."""
    report = place / "held.json"
    with (place / "log").open("wb") as log:
        run = subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options),
                # Long enough that the supervisor's socket needs a directory elsewhere.
                f"--basetemp={place / ('long' * 20)}",
                "tests/deploy/held.py",
            ],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(place), "HELD": str(report)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    wait(lambda: report.exists() or run.poll() is not None, START_SECONDS, "the run holds nothing")
    assert report.exists(), (place / "log").read_text()
    return run, json.loads(report.read_text())


def running(held: dict[str, Any]) -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in {*held["started"], *held["known"]} if psutil.pid_exists(pid)]


@pytest.mark.parametrize(
    ("options", "ended", "how"),
    [
        ([], "controller", signal.SIGKILL),
        (["-n1"], "controller", signal.SIGTERM),
        (["-n1", "--max-worker-restart=0"], "worker", signal.SIGKILL),
    ],
    ids=["killed", "asked, with workers", "a worker killed"],
)
def test_nothing_outlives_a_run_that_is_ended(
    place: Path, options: list[str], ended: str, how: signal.Signals
) -> None:
    run, held = hold(place, *options)
    everything = running(held)
    assert {process.pid for process in everything} >= set(held["known"])
    assert list(place.glob(f"practice-{os.geteuid()}-*"))

    os.kill(held[ended], how)
    run.wait(END_SECONDS)

    assert processes.wait_gone(everything, END_SECONDS), [p for p in everything if processes.runs(p)]
    wait(lambda: not list(place.glob("practice-*")), END_SECONDS, "a temporary directory is left")
    wait(lambda: not guards_of(place), END_SECONDS, "a guard is left")


def guards_of(place: Path) -> list[psutil.Process]:
    """The guards that look after runs in a place."""
    found = []
    for process in psutil.process_iter():
        try:
            if "tests.guard" in process.cmdline() and process.environ().get("TMPDIR") == str(place):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_program_is_marked_with_the_process_that_started_it() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", f"import os; print(os.environ['{MARK}'])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == os.environ[MARK]
