"""A temporary directory lives as long as its owner, and no longer than until somebody needs another."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from deploy.local import temporary
from deploy.local.servers import start_redis


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary directory, as far as the test goes."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def dead() -> int:
    """The id of a process that is gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def test_what_a_gone_owner_left_is_removed_when_the_next_directory_is_made() -> None:
    left, kept = temporary.make("test"), temporary.make("test")
    (left / "deep").mkdir()
    (left / "deep" / "file").write_text("data")
    (left / "owner").write_text(f"{dead()} 1.0\n")

    made = temporary.make("test")

    assert not left.exists()
    assert kept.exists()
    assert made.exists()
    assert made.stat().st_mode & 0o777 == 0o700


def test_an_id_that_another_process_has_now_is_no_owner() -> None:
    left = temporary.make("test")
    (left / "owner").write_text(f"{os.getpid()} 1.0\n")
    temporary.remove_stale()
    assert not left.exists()


def test_a_directory_can_be_handed_to_another_process() -> None:
    handed = temporary.make("test")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as heir:
        temporary.own(handed, heir.pid)
        temporary.remove_stale()
        assert handed.exists()
        heir.communicate()
    temporary.remove_stale()
    assert not handed.exists()


@pytest.mark.parametrize("owner", [None, "", "nobody", "1 2 3"])
def test_a_directory_that_names_no_owner_is_left_alone(place: Path, owner: str | None) -> None:
    directory = place / "practice-somebody"
    directory.mkdir()
    if owner is not None:
        (directory / "owner").write_text(owner)
    temporary.remove_stale()
    assert directory.exists()


def test_a_link_is_not_followed(place: Path) -> None:
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "owner").write_text(f"{dead()} 1.0\n")
    (place / "practice-link").symlink_to(elsewhere)
    temporary.remove_stale()
    assert elsewhere.exists()


def test_a_server_without_a_directory_of_its_own_leaves_none(place: Path) -> None:
    script = """
from deploy.local.servers import start_redis
server = start_redis()
server.stop()
server.restart()
print(server.home)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "TMPDIR": str(place)},
        capture_output=True,
        text=True,
        check=True,
    )
    home = Path(done.stdout.strip())
    assert home.parent == place
    assert not home.exists()


def test_a_servers_directory_is_owned_while_it_may_start_again() -> None:
    server = start_redis()
    server.stop()
    temporary.remove_stale()
    assert server.home.exists()
    temporary.remove(server.home)
