"""Whoever makes the environment sees how far it is, and a log is not filled with it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.install import Progress, show, whole_since
from deploy.local.layout import ROOT

PIP = [
    "Collecting alembic==1.20.1 (from -r requirements.lock (line 1))\n",
    "  Downloading alembic-1.20.1-py3-none-any.whl (240 kB)\n",
    "Collecting celery[redis]==5.7.0 (from -r requirements.lock (line 5))\n",
    "Processing /wheels/types_pyyaml-6.0-py3-none-any.whl (from -r requirements.lock (line 9))\n",
    "Requirement already satisfied: types-psutil==7.0 in ./.venv (from -r requirements.lock (line 12))\n",
    "Installing collected packages: alembic, celery, types-pyyaml\n",
    "Successfully installed alembic-1.20.1 celery-5.7.0 types-pyyaml-6.0\n",
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line_that_changes_and_goes() -> None:
    terminal = Terminal()
    show(PIP, 4, terminal, clock=lambda: 0)
    shown = terminal.getvalue()
    assert "\n" not in shown
    assert [part.removeprefix("\033[K").strip() for part in shown.split("\r")[1:]] == [
        "fetching 1 of 4: alembic",
        "fetching 2 of 4: celery",
        "fetching 3 of 4: types_pyyaml",
        "fetching 4 of 4: types-psutil",
        "unpacking 3 packages, 0 done",
        "",
    ]


def test_a_log_has_a_line_for_every_tenth_of_the_packages() -> None:
    log = io.StringIO()
    show((f"Collecting package-{number}==1\n" for number in range(1, 101)), 100, log, clock=lambda: 0)
    assert log.getvalue().splitlines() == [
        f"  fetching {number} of 100: package-{number}" for number in range(10, 101, 10)
    ]


def test_a_long_silence_is_broken() -> None:
    log, now = io.StringIO(), 0.0
    progress = Progress(100, log, lambda: now)
    progress.take("Collecting alembic==1\n")
    now = 9.0
    progress.look(0)
    assert log.getvalue() == ""
    now = 12.0
    progress.look(0)
    progress.look(0)
    assert log.getvalue() == "  fetching 1 of 100: alembic, 12 s so far\n"


def test_what_pip_unpacks_in_silence_is_counted_meanwhile() -> None:
    terminal, whole = Terminal(), iter(range(1, 1_000))

    def pip() -> Iterator[str]:
        yield "Installing collected packages: alembic, celery, types-pyyaml\n"
        deadline = time.monotonic() + 60
        while "3 done" not in terminal.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    show(pip(), 3, terminal, lambda: next(whole))
    assert "unpacking 3 packages, 1 done" in terminal.getvalue()


def test_a_package_is_whole_once_pip_has_signed_it(tmp_path: Path) -> None:
    start = time.time() - 5
    for name in ("old", "new", "half"):
        (tmp_path / f"{name}-1.dist-info").mkdir()
    (tmp_path / "old-1.dist-info" / "INSTALLER").touch()
    os.utime(tmp_path / "old-1.dist-info" / "INSTALLER", (start - 60, start - 60))
    (tmp_path / "new-1.dist-info" / "INSTALLER").touch()
    assert whole_since(start, tmp_path) == 1


def test_the_errors_of_pip_are_shown_and_end_the_command(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("nothing-of-this-name @ file:///nowhere/nothing.whl\n")
    done = subprocess.run(
        [sys.executable, ROOT / "deploy" / "install.py", lock], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert done.stderr.startswith("ERROR: ")
