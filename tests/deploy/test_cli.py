"""The command as a person runs it: its words, its exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import record
from deploy.local.display import Progress
from deploy.local.layout import Layout
from deploy.local.ports import Ports
from tests.deploy.command import practice


def practice_anew(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in an interpreter of its own, which shares no import with another."""
    return subprocess.run(
        [sys.executable, "-m", "deploy", *words],
        env={**os.environ, "PRACTICE_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_down_with_nothing_running_succeeds_and_makes_nothing(tmp_path: Path) -> None:
    home = tmp_path / ".practice"
    done = practice_anew(home, "down")
    assert (done.returncode, done.stdout) == (0, "nothing runs\n")
    assert not home.exists()


def test_the_status_of_nothing_is_one_line_without_an_address(tmp_path: Path) -> None:
    done = practice(tmp_path / ".practice", "status")
    assert (done.returncode, done.stdout) == (1, "nothing runs: `make up` starts everything\n")


@pytest.mark.parametrize("action", ["list", "requeue"])
def test_the_outbox_of_a_stack_that_is_not_up_says_what_to_do(tmp_path: Path, action: str) -> None:
    done = practice(tmp_path / ".practice", "outbox", action)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: the stack is not up: run `make up` first\n"


@pytest.mark.parametrize("words", [("list",), ("dry-run", "focus.sessions >= 1")])
def test_the_badges_of_a_stack_that_is_not_up_say_what_to_do(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = practice(tmp_path / ".practice", "badges", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: the stack is not up: run `make up` first\n"


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "1"),
        ("streak", "repair", "1", "--day", "2026-05-15", "--reason", "our outage"),
        ("streak", "grant-freeze", "1", "--reason", "our outage"),
        ("streak", "entries", "1"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_streaks_of_a_stack_that_is_not_up_are_not_told_about(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = practice(tmp_path / ".practice", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: the stack is not up: run `make up` first\n"


@pytest.mark.parametrize(
    "words",
    [("--on", "15 May"), ("--known-at", "2026-05-15T12:00"), ("--cadence", "year")],
    ids=lambda words: words[0],
)
def test_an_explanation_takes_days_and_instants_with_an_offset(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert practice(tmp_path / ".practice", "explain", "1", *words).returncode == 2


def test_the_outbox_takes_only_ids_of_events(tmp_path: Path) -> None:
    done = practice(tmp_path / ".practice", "outbox", "requeue", "everything")
    assert done.returncode == 2
    assert "valid UUID" in done.stderr


def test_a_wrong_port_is_one_line_and_exit_status_1(tmp_path: Path) -> None:
    done = practice_anew(tmp_path / ".practice", "up", GATEWAY_PORT="http")
    assert done.returncode == 1
    assert done.stderr == "error: GATEWAY_PORT=http is not a port (1 to 65535)\n"


def test_the_log_of_an_unknown_process_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    log = Layout(tmp_path / ".practice").log("catalog")
    log.parent.mkdir(parents=True)
    log.write_text("first\nlast\n")
    assert practice_anew(tmp_path / ".practice", "logs", "catalog", "-n", "1").stdout == "last\n"
    refused = practice(tmp_path / ".practice", "logs", "catalogue")
    assert refused.returncode == 1
    assert refused.stderr == "error: there is no log of 'catalogue'; there are: catalog\n"


def test_the_demo_without_a_running_stack_says_what_to_do(tmp_path: Path) -> None:
    done = practice(tmp_path / ".practice", "demo")
    assert done.returncode == 1
    assert "run `make up` first" in done.stderr


def test_the_record_of_a_start_is_found_again_by_another_command(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ".practice")
    assert record.read(layout) is None
    layout.make()
    kept = record.Record(Ports(gateway=17099), {"DATABASE_URL": "postgresql://elsewhere"}, "digest")
    record.write(layout, kept)
    assert record.read(layout) == kept
    (layout.run / "stack.json").write_text("{")
    assert record.read(layout) is None


def test_without_a_terminal_progress_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress.report("postgres", "waiting", "")
        progress.report("postgres", "starting", "")
        progress.report("postgres", "starting", "connection refused")
        progress.report("postgres", "healthy", "0.4 s")
    lines = [line.split() for line in capsys.readouterr().err.splitlines()]
    assert lines == [["postgres", "starting"], ["postgres", "healthy", "0.4", "s"]]
