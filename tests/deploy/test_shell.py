"""The command in a shell: it completes its words and says which version it is."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

PRACTICE = Path(sys.executable).with_name("practice")


def practice(home: Path, *words: str, **environment: str) -> str:
    """What the command as it is installed prints."""
    home_of_user = {"HOME": str(home), "PRACTICE_HOME": str(home / ".practice")}
    done = subprocess.run(
        [PRACTICE, *words],
        env={**os.environ, **home_of_user, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def completed(home: Path, line: str) -> set[str]:
    """What bash is offered for the last word of a line."""
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_PRACTICE_COMPLETE": "complete_bash"}
    return set(practice(home, **asked).split())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("practice st", {"status", "streak"}),
        ("practice streak g", {"grant-freeze"}),
        ("practice logs re", {"redis", "relay", "recalculator"}),
        ("practice logs session --re", {"--request"}),
    ],
)
def test_a_word_that_was_begun_is_completed(tmp_path: Path, line: str, offered: set[str]) -> None:
    assert completed(tmp_path, line) == offered
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_a_script_that_asks_the_command(tmp_path: Path, shell: str) -> None:
    script = practice(tmp_path, _PRACTICE_COMPLETE=f"source_{shell}")
    assert f"complete_{shell}" in script


def test_the_version_is_told_with_that_of_the_time_zones(tmp_path: Path) -> None:
    told = practice(tmp_path, "--version")
    assert told == f"practice-platform {version('practice-platform')}, tzdata {version('tzdata')}\n"
