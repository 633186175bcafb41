"""Whoever makes the environment sees how far it is, and a log is not filled with it."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from deploy.install import show
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
    show(PIP, 4, terminal)
    shown = terminal.getvalue()
    assert "\n" not in shown
    assert [part.removeprefix("\033[K").strip() for part in shown.split("\r")[1:]] == [
        "fetching 1 of 4: alembic",
        "fetching 2 of 4: celery",
        "fetching 3 of 4: types_pyyaml",
        "fetching 4 of 4: types-psutil",
        "unpacking 3 packages",
        "",
    ]


def test_a_log_has_a_line_for_every_tenth_of_the_packages() -> None:
    log = io.StringIO()
    show((f"Collecting package-{number}==1\n" for number in range(1, 101)), 100, log)
    assert log.getvalue().splitlines() == [
        f"  fetching {number} of 100: package-{number}" for number in range(10, 101, 10)
    ]


def test_the_errors_of_pip_are_shown_and_end_the_command(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("nothing-of-this-name @ file:///nowhere/nothing.whl\n")
    done = subprocess.run(
        [sys.executable, ROOT / "deploy" / "install.py", lock], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert done.stderr.startswith("ERROR: ")
