"""A wrong setting is said in one line: which one, what was given, what it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from service_kit.grpc.targets import target
from service_kit.setting_faults import EX_CONFIG, find_faults, find_misspelt, redact
from service_kit.setting_types import Addresses, LogLevel, PostgresUrl, RedisUrl, SecretFile
from service_kit.settings import PlatformSettings


class Settings(PlatformSettings):
    days: int = Field(default=30, ge=1, le=3650)
    wait: float = Field(default=0.5, gt=0, le=60)
    grace: float = Field(default=0, ge=0, le=7.5)
    level: LogLevel = "INFO"
    colour: Literal["red", "blue"] = "red"
    database: PostgresUrl = "postgresql://nowhere/practice"
    redis: RedisUrl = "redis://nowhere"
    peers: Addresses = "localhost:1"
    secret: SecretFile = Path(__file__)


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("DAYS", "20000", "DAYS=20000: it takes a whole number from 1 to 3650"),
        ("DAYS", "0", "DAYS=0: it takes a whole number from 1 to 3650"),
        ("DAYS", "ten", "DAYS=ten: it takes a whole number from 1 to 3650"),
        ("DAYS", "1.5", "DAYS=1.5: it takes a whole number from 1 to 3650"),
        ("DAYS", "", "DAYS is empty: it takes a whole number from 1 to 3650"),
        ("WAIT", "0", "WAIT=0: it takes a number above 0 and up to 60"),
        ("WAIT", "inf", "WAIT=inf: it takes a number above 0 and up to 60"),
        ("WAIT", "nan", "WAIT=nan: it takes a number above 0 and up to 60"),
        ("GRACE", "-1", "GRACE=-1: it takes a number from 0 to 7.5"),
        ("LEVEL", "loud", "LEVEL=loud: it takes one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("COLOUR", "green", "COLOUR=green: it takes one of red, blue"),
        (
            "DATABASE",
            "mysql://me:secret@host/db",
            "DATABASE=...@host/db: it takes postgresql://user:password@host:port/database",
        ),
        (
            "REDIS",
            "host:6379",
            "REDIS=host:6379: it takes redis://:password@host:port/0, or rediss:// with TLS",
        ),
        (
            "PEERS",
            "one:1,two:2",
            "PEERS=one:1,two:2: it takes host:port, or several IP addresses: 10.0.0.1:50053,10.0.0.2:50053",
        ),
        ("SECRET", "/not/there", "SECRET=/not/there: it takes the path of a file that is not empty"),
        ("DAYS", "1\n2", "DAYS='1\\n2': it takes a whole number from 1 to 3650"),
    ],
)
def test_a_wrong_value_is_one_line(name: str, value: str, line: str) -> None:
    assert [str(fault) for fault in find_faults(Settings, {name: value})] == [line]


@pytest.mark.parametrize(
    "given",
    [
        {"DAYS": "3650", "WAIT": "60", "GRACE": "7.5"},
        {"LEVEL": "debug"},
        {"PEERS": "session:50053"},
        {"PEERS": "10.0.0.1:50053, 10.0.0.2:50053"},
        {"PEERS": "[::1]:50053,[::2]:50053"},
        {"SOMETHING_ELSE": "of another program"},
    ],
    ids=str,
)
def test_what_is_right_has_no_fault(given: dict[str, str]) -> None:
    assert find_faults(Settings, given) == []


def test_every_fault_is_told_at_once() -> None:
    wrong = find_faults(Settings, {"DAYS": "0", "WAIT": "0", "PEERS": "nowhere"})
    assert [fault.name for fault in wrong] == ["DAYS", "WAIT", "PEERS"]


def test_a_name_that_is_nearly_ours_is_told_with_the_right_one() -> None:
    names = ["FREEZE_LIMT", "freeze_limit", "HOME", "REDIS_HOST", "LOG_LEVEL", "FREEZE_LIMIT"]
    wrong = find_misspelt(names, ["FREEZE_LIMIT", "LOG_LEVEL", "REDIS_PORT"])
    assert [str(fault) for fault in wrong] == ["FREEZE_LIMT is no setting: FREEZE_LIMIT is"]


def test_a_value_is_shown_without_the_password_in_an_address() -> None:
    assert "secret" not in redact("redis://:sec@ret@secret@host:1/0").removesuffix("host:1/0")
    assert redact("x" * 1000) == "x" * 80 + "..."


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("session:50053", "session:50053"),
        ("10.0.0.1:1,10.0.0.2:2", "ipv4:10.0.0.1:1,10.0.0.2:2"),
        ("[::1]:1, [::2]:2", "ipv6:[::1]:1,[::2]:2"),
    ],
)
def test_a_list_of_addresses_is_one_target(address: str, told: str) -> None:
    assert target(address) == told


@pytest.mark.parametrize(
    "address", ["", "host", "host:", ":1", "host:65536", "a:1,b:2", "10.0.0.1:1,[::1]:1", "::1:5", "a:1,"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"address|host:port|mixes"):
        target(address)


@pytest.mark.parametrize(
    "words",
    [
        ("session_service.main",),
        ("session_service.relay",),
        ("gateway.bridge",),
        ("celery", "-A", "stats_service.worker", "worker"),
    ],
    ids=lambda words: words[-1],
)
def test_a_process_by_hand_tells_its_wrong_settings_and_starts_nothing(words: tuple[str, ...]) -> None:
    wrong = {"LOG_LEVEL": "loud", "SHUTDOWN_GRACE_SECOND": "3"}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        env={**os.environ, **wrong},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (EX_CONFIG, "")
    lines = done.stderr.splitlines()
    assert "error: LOG_LEVEL=loud: it takes one of DEBUG, INFO, WARNING, ERROR, CRITICAL" in lines
    assert all(line.startswith("error: ") for line in lines)
    reads_it = words[-1] in ("session_service.main", "gateway.bridge")
    typed = "error: SHUTDOWN_GRACE_SECOND is no setting: SHUTDOWN_GRACE_SECONDS is"
    assert (typed in lines) == reads_it
