"""All logs read as one, in the order of time, whatever each writes its instants like."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.commands.logs.command import Following
from deploy.commands.logs.entries import instant_of, merged
from deploy.local import restarts
from deploy.local.layout import Layout
from tests.deploy.command import practice

AT = datetime(2026, 11, 28, 21, 0, 0, 123_000, UTC)
REQUEST = "3f2b8c1e-5d0a-4a7e-9b1c-2f6d8e0a1b2c"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / ".practice"


def log(home: Path, name: str, *lines: str) -> Path:
    path = Layout(home).log(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "served", "timestamp": "2026-11-28T21:00:00.123000Z", "user_id": 1}',
        "2026-11-28 21:00:00.123 UTC [4711] LOG:  ready",
        "[2026-11-28 21:00:00.123][4711][warning][config] told",
        '{"bytes_sent":155,"details":"via_upstream","path":"/v1/standing","request_id":"e442e3ec-0e4f-412c-b52d",'
        '"status":200,"time":"2026-11-28T21:00:00.123Z","upstream":"stats"}',
    ],
)
def test_an_instant_is_found_however_it_is_written(line: str) -> None:
    assert instant_of(line) == AT


@pytest.mark.parametrize(
    "line", ["2026-11-28 {clock},123 INFO spawned: 'stats'", "4711:M 28 Nov 2026 {clock}.123 * Ready"]
)
def test_what_writes_the_time_of_the_machine_is_read_as_such(line: str) -> None:
    local = AT.astimezone()
    assert instant_of(line.format(clock=f"{local:%H:%M:%S}"), local=True) == AT.astimezone(local.tzinfo)


@pytest.mark.parametrize("line", ["Traceback (most recent call last):", "", '{"event": "no time"}'])
def test_a_line_without_an_instant_has_none(line: str) -> None:
    assert instant_of(line) is None


def told(second: int, text: str) -> str:
    return f'{{"event": "{text}", "timestamp": "2026-11-28T21:00:{second:02d}.000000Z"}}'


def test_logs_are_merged_in_the_order_of_time_and_a_traceback_stays_whole(home: Path) -> None:
    one = log(home, "stats", told(1, "a"), "Traceback:", "  line 2", told(4, "d"))
    other = log(home, "session", told(2, "b"), told(3, "c"))
    log(home, "session.log.1").rename(other.with_name("session.log.1"))
    other.with_name("session.log.1").write_text(f"{told(0, 'put aside')}\n")
    assert [(entry.name, len(entry.lines)) for entry in merged([one, other])] == [
        ("session", 1),
        ("stats", 3),
        ("session", 1),
        ("session", 1),
        ("stats", 1),
    ]


def test_the_command_shows_the_end_of_all_logs_with_their_names(home: Path) -> None:
    log(home, "stats", told(1, "a"), told(4, "d"))
    log(home, "session", told(2, "b"), told(3, "c"))
    shown = practice(home, "logs", "-n", "3").stdout.splitlines()
    assert shown == [f"session | {told(2, 'b')}", f"session | {told(3, 'c')}", f"stats   | {told(4, 'd')}"]


def test_a_request_is_followed_through_all_logs(home: Path) -> None:
    about = f'{{"request_id": "{REQUEST}", "timestamp": "2026-11-28T21:00:0%d.0Z"}}'
    log(home, "stats", told(1, "a"), about % 5, "a line that belongs to it")
    log(home, "session", about % 2, told(3, f"x{REQUEST}"), told(3, f"{REQUEST}-not-this-one"))
    shown = practice(home, "logs", "--request", REQUEST).stdout.splitlines()
    assert shown == [
        f"session | {about % 2}",
        f"stats   | {about % 5}",
        "stats   | a line that belongs to it",
    ]
    nowhere = practice(home, "logs", "--request", "another")
    assert (nowhere.returncode, nowhere.stderr) == (1, "error: no log has the request another\n")


def test_following_tells_what_is_new_and_a_line_only_once_it_is_whole(home: Path) -> None:
    path = log(home, "stats", told(1, "old"))
    following = Following([path])
    assert following.look() == []
    with path.open("a") as file:
        file.write(f"{told(2, 'new')}\n{told(3, 'half')}")
        file.flush()
        assert [entry.lines for entry in following.look()] == [(told(2, "new"),)]
        file.write("\n")
    assert [entry.lines for entry in following.look()] == [(told(3, "half"),)]
    path.write_text(f"{told(4, 'anew')}\n")
    assert [entry.lines for entry in following.look()] == [(told(4, "anew"),)]


def test_nothing_ever_wrote_is_said_in_a_line(home: Path) -> None:
    done = practice(home, "logs")
    assert (done.returncode, done.stderr) == (
        1,
        "error: there are no logs yet: `make up` starts everything\n",
    )


def test_restarts_are_those_since_the_supervisor_began(home: Path) -> None:
    line = "2026-11-28 21:00:00,000 {}"
    exited = "WARN exited: stats (terminated by SIGKILL; not expected)"
    lines = [exited, "INFO supervisord started with pid 1", exited, "WARN stopped: relay (exit status 0)"]
    path = log(home, "supervisor", *(line.format(text) for text in lines))
    assert restarts.count(path) == {"stats": 1}
    path.rename(path.with_name("supervisor.log.1"))
    log(home, "supervisor", line.format(exited))
    assert restarts.count(path) == {"stats": 2}
    assert restarts.count(home / "nothing.log") == {}
