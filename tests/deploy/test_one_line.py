"""What goes wrong and can be mended is one line that says how, whichever command meets it."""

from __future__ import annotations

import contextlib
import errno
import os
import pty
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from deploy.commands import tables
from deploy.commands.admin_client import CallFailedError, open_admin_channel
from deploy.commands.run import describe_os_error, run
from deploy.faults import CommandError
from deploy.local import postgres_server
from tests.deploy.command import practice


@pytest.mark.parametrize("words", [("up",), ("status",), ("down",), ("config",), ("logs",), ("explain", "7")])
def test_a_home_that_is_a_file_is_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    home = tmp_path / "file"
    home.write_text("")
    done = practice(home, *words)
    assert (done.returncode, done.stderr) == (1, f"error: PRACTICE_HOME={home} is no directory: name one\n")


def test_an_archive_for_a_directory_that_is_not_there_asks_nobody(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    somewhere = {"IDENTITY_ADDRESS": "127.0.0.1:1", "INTERNAL_TOKEN_FILE": str(secret)}
    target = tmp_path / "nowhere" / "data.zip"
    done = practice(tmp_path, "export", "7", "--to", str(target), **somewhere)
    assert done.returncode == 1
    assert done.stderr == f"error: {target.parent} is no directory: make it, or name another file with --to\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("migrate",), "the stack is not up: run `make up` first, or name a database with DATABASE_URL"),
        (("content", "load"), "the stack is not up: run `make up` first"),
        (("reconcile",), "the stack is not up: run `make up` first"),
        (("recalculate", "--all"), "the stack is not up: run `make up` first"),
        (("user", "find", "ana@example.com"), "the stack is not up: run `make up` first"),
        (("export", "7", "--to", "data.zip"), "the stack is not up: run `make up` first"),
        (("erase", "7", "--yes"), "the stack is not up: run `make up` first"),
        (
            ("content", "check", "--directory", "/nowhere"),
            "/nowhere is no directory: name one with content files",
        ),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_without_a_running_stack_the_way_out_is_told(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    done = practice(tmp_path / ".practice", *words)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"error: {told}\n")


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (
            errno.ENOSPC,
            "/data/x: no space left on device: free space on that disk, or name another, and do it again",
        ),
        (errno.EACCES, "/data/x: permission denied: give this user the right to it, or name another"),
        (errno.EROFS, "/data/x: read-only file system: name one on a file system that can be written to"),
        (errno.ECONNRESET, "/data/x: connection reset by peer"),
    ],
)
def test_what_the_system_refuses_is_told_with_its_mend(number: int, told: str) -> None:
    assert describe_os_error(OSError(number, os.strerror(number), "/data/x")) == told


def test_each_fault_is_a_line_of_its_own() -> None:
    def command() -> None:
        raise CommandError("one\nother")

    with pytest.raises(SystemExit) as ended:
        run(command)
    assert ended.value.code == "error: one\nerror: other"


def test_a_fault_of_ours_is_not_hidden() -> None:
    def command() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(command)


FULL_DISK = """The files belonging to this database system will be owned by user "pgserver".
creating directory /data/building ... ok
running bootstrap script ... 2026-11-28 21:25:55.673 UTC [1] FATAL:  could not write: No space left on device
child process exited with exit code 1
initdb: removing data directory "/data/building"
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (FULL_DISK, "No space left on device: free space on the disk of /data, and do it again"),
        (
            "one\ninitdb: error: directory exists\ninitdb: hint: remove it\n",
            "initdb: error: directory exists",
        ),
        ("something\nelse\n", "else"),
        ("", "it said nothing"),
    ],
)
def test_of_all_that_initdb_says_the_reason_is_told(said: str, told: str) -> None:
    assert postgres_server.reason_in(Path("/data"), said).endswith(told)


class Refused(grpc.RpcError, grpc.Call):  # type: ignore[misc]
    """A failed call as gRPC raises it."""

    def __init__(self, code: grpc.StatusCode, details: str, *, by_service: bool = True) -> None:
        self._code, self._details, self._by_service = code, details, by_service

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return (("grpc-status-details-bin", b""),) if self._by_service else ()


Refused.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("code", "by_service", "told"),
    [
        ("UNAVAILABLE", False, "does not answer: `practice status` shows what runs"),
        ("DEADLINE_EXCEEDED", False, "does not answer: `practice status` shows what runs"),
        ("UNAVAILABLE", True, "refuses: in words"),
        ("NOT_FOUND", True, "refuses: in words"),
        ("UNIMPLEMENTED", False, "does not know this: it runs another version"),
        ("INTERNAL", False, "failed: in words"),
        (
            "PERMISSION_DENIED",
            True,
            "refuses: in words (INTERNAL_TOKEN_FILE has to hold the same secret as the service's)",
        ),
    ],
)
def test_no_word_of_grpcs_is_shown(code: str, by_service: bool, told: str) -> None:
    with pytest.raises(CallFailedError) as failed, open_admin_channel("stats", "127.0.0.1:1"):
        raise Refused(grpc.StatusCode[code], "in words", by_service=by_service)
    assert str(failed.value) == f"the stats service at 127.0.0.1:1 {told}"
    assert failed.value.not_found == (code == "NOT_FOUND")


def test_an_address_that_is_none_is_told_by_its_setting() -> None:
    with pytest.raises(CallFailedError, match=r"^STATS_ADDRESS: 'nowhere' is not host:port$"):
        open_admin_channel("stats", "nowhere").__enter__()


def test_a_table_in_a_pipe_is_whole_and_its_lines_end_with_their_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = tables.plain_table("what")
    tables.add_ids(table, "id")
    identifier = "7e2630cd-86ba-422c-bdae-1fb8dd11bf9e"
    table.add_row("word " * 60, identifier)
    table.add_row("short", "")
    tables.show(table)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["word"] * 60 + [identifier]
    assert lines[2] == "short"


def test_an_id_is_not_broken_on_a_narrow_terminal() -> None:
    script = (
        "from deploy.commands.tables import add_ids, plain_table, show;"
        "table = plain_table('what'); add_ids(table, 'id');"
        "table.add_row('word ' * 60, '7e2630cd-86ba-422c-bdae-1fb8dd11bf9e'); show(table)"
    )
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "COLUMNS": "80", "TERM": "dumb"}, stdout=theirs
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    assert process.wait() == 0
    assert b"7e2630cd-86ba-422c-bdae-1fb8dd11bf9e" in shown
    assert max(map(len, shown.splitlines())) <= 80
