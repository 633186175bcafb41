"""Settings are judged before anything starts, stay where they were set, and are all in one table."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from deploy import topology
from deploy.configuration import document, settings_file, validation
from deploy.configuration.catalogue import NODES, class_of, made, settable
from deploy.faults import CommandError
from deploy.local.stack import LocalStack
from service_kit.setting_faults import find_misspelt
from tests.deploy.command import practice
from tests.deploy.conftest import MakeStack


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / ".practice"


def row(home: Path, name: str, **environment: str) -> list[str]:
    """The row of a setting in `practice config`, from its value on."""
    lines = practice(home, "config", **environment).stdout.splitlines()
    (line,) = [line for line in lines if line.split()[0] == name]
    return [cell.strip() for cell in line.split("  ")[1:] if cell.strip()]


def test_the_page_of_settings_is_what_the_code_says() -> None:
    said = document.PAGE.read_text(encoding="utf-8")
    assert said == document.page(), "python -m deploy.configuration.document writes docs/settings.md anew"


def test_every_setting_says_what_it_takes_and_what_it_means() -> None:
    for name, setting in {**settable(), **made()}.items():
        assert setting.takes, name
        assert setting.meaning, name
        assert setting.readers, name
        # A number without an end is found out by what it breaks later.
        assert not setting.takes.startswith("a number of at least"), name
        assert "number" not in setting.takes or " to " in setting.takes, name


@pytest.mark.parametrize("node", [node for node in NODES if node.reads], ids=lambda node: node.name)
def test_a_process_reads_no_setting_that_the_topology_does_not_give_it(node: topology.Process) -> None:
    kind = class_of(node)
    assert kind is not None
    known = {field.upper() for field in kind.model_fields}
    assert {*node.settings, *node.tunables} <= known


def test_a_setting_that_several_processes_read_has_one_default_and_one_range() -> None:
    read: dict[str, set[tuple[object, str]]] = {}
    for node in NODES:
        kind = class_of(node)
        for field in node.tunables if kind else ():
            info = kind.model_fields[field.lower()]  # type: ignore[union-attr]
            read.setdefault(field, set()).add((info.default, settable()[field].takes))
    assert [field for field, told in read.items() if len(told) > 1] == []


@pytest.mark.parametrize("node", [node for node in NODES if node.reads], ids=lambda node: node.name)
def test_no_setting_looks_to_another_process_like_a_typing_error(node: topology.Process) -> None:
    kind = class_of(node)
    assert kind is not None
    assert find_misspelt({**settable(), **made()}, [field.upper() for field in kind.model_fields]) == []


def test_all_that_is_wrong_is_told_before_anything_is_made(home: Path) -> None:
    done = practice(
        home,
        "up",
        SYNC_MAX_AGE_DAYS="20000",
        FREEZE_LIMT="3",
        GATEWAY_PORT="http",
        PRACTICE_HOMES="/x",
        LOG_LEVEL="loud",
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: FREEZE_LIMT is no setting: FREEZE_LIMIT is",
        "error: PRACTICE_HOMES is no setting: PRACTICE_HOME is",
        "error: GATEWAY_PORT=http is not a port (1 to 65535)",
        "error: LOG_LEVEL=loud: it takes one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
        "error: SYNC_MAX_AGE_DAYS=20000: it takes a whole number from 1 to 3650",
    ]
    assert not home.exists()


def test_a_stack_judges_every_setting_of_every_process_before_the_first_starts(make_stack: MakeStack) -> None:
    relay = next(node for node in NODES if node.name == "relay")
    stack: LocalStack = make_stack(relay, extra={"RELAY_LEASE_SECONDS": "-1", "LOG_LEVEL": "loud"})
    with pytest.raises(validation.SettingsError) as refused:
        stack.up()
    assert str(refused.value).splitlines() == [
        "LOG_LEVEL=loud: it takes one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
        "RELAY_LEASE_SECONDS=-1: it takes a number above 0 and up to 3600",
    ]
    assert stack.supervisor_status().pid is None


def test_what_is_set_stays_and_the_environment_goes_before_it(home: Path) -> None:
    assert row(home, "FREEZE_LIMIT")[:3] == ["2", "default", "2"]
    assert practice(home, "config", "set", "FREEZE_LIMIT=3", "CORS_ORIGINS=https://a.example").returncode == 0
    assert row(home, "FREEZE_LIMIT")[:3] == ["3", "file", "2"]
    assert row(home, "FREEZE_LIMIT", FREEZE_LIMIT="4")[:3] == ["4", "environment", "2"]
    assert validation.read_given(home, {"FREEZE_LIMIT": "4"}).values == {
        "FREEZE_LIMIT": "4",
        "CORS_ORIGINS": "https://a.example",
    }
    assert practice(home, "config", "unset", "FREEZE_LIMIT").returncode == 0
    assert row(home, "FREEZE_LIMIT")[:3] == ["2", "default", "2"]
    again = practice(home, "config", "unset", "FREEZE_LIMIT")
    assert (again.returncode, again.stderr) == (
        1,
        f"error: FREEZE_LIMIT is not set in {settings_file.file_of(home)}\n",
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("FREEZE_LIMT=3", "FREEZE_LIMT is no setting: FREEZE_LIMIT is"),
        ("FREEZE_LIMIT=367", "FREEZE_LIMIT=367: it takes a whole number from 0 to 366"),
        ("UNHEARD=1", "UNHEARD is no setting: `practice config` lists them"),
        ("LISTEN=0.0.0.0:1", "LISTEN cannot be set in the file: the stack makes it"),
        (
            "PRACTICE_HOME=/x",
            "PRACTICE_HOME cannot be set in the file, which lies in that directory:"
            " give it in the environment",
        ),
        ("GATEWAY_PORT=5433", "gateway and postgres cannot share port 5433: give GATEWAY_PORT"),
        ("FREEZE_LIMIT", "'FREEZE_LIMIT' is not NAME=VALUE"),
    ],
)
def test_what_is_wrong_is_not_kept(home: Path, given: str, told: str) -> None:
    assert practice(home, "config", "set", "WAIT_SECONDS=1").returncode == 0
    before = settings_file.file_of(home).read_text()
    refused = practice(home, "config", "set", "REPORT_DAYS=9", given)
    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", f"error: {told}\n")
    assert settings_file.file_of(home).read_text() == before


def test_the_file_keeps_its_comments_and_is_for_its_owner_alone(home: Path) -> None:
    path = settings_file.file_of(home)
    home.mkdir()
    path.write_text("# ours\nexport FREEZE_LIMIT='3'\n\nWAIT_SECONDS = 1 \n")
    assert settings_file.read(path) == {"FREEZE_LIMIT": "3", "WAIT_SECONDS": "1"}
    settings_file.change(path, {"FREEZE_LIMIT": None, "WAIT_SECONDS": "2", "REPORT_DAYS": "9"})
    assert path.read_text() == "# ours\n\nWAIT_SECONDS=2\nREPORT_DAYS=9\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["nonsense\n", "A=1\nA=2\n", "1A=2\n"])
def test_a_file_that_is_none_is_refused_with_its_line(home: Path, text: str) -> None:
    home.mkdir()
    settings_file.file_of(home).write_text(text)
    with pytest.raises(CommandError, match=r"settings\.env:\d: "):
        validation.read_given(home, {})


def test_a_password_is_not_shown(home: Path) -> None:
    practice(home, "config", "set", "DATABASE_URL=postgresql://me:hunter2@host:5432/practice")
    shown = practice(home, "config").stdout
    assert "...@host:5432/practice" in shown
    assert "hunter2" not in shown


def test_names_of_other_programs_are_nobodys_business(home: Path) -> None:
    others = {
        "REDIS_HOST": "x",
        "POSTGRES_USER": "x",
        "SESSION_MANAGER": "x",
        "PORT": "1",
    }
    validation.validate(validation.GivenSettings(others))
