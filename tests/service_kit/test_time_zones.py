"""Which names are a user's zone."""

from __future__ import annotations

import os
import subprocess
import sys
import zoneinfo
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path

import pytest

from service_kit.errors import InvalidArgumentError
from service_kit.time_zones import (
    is_same_zone,
    known_time_zone,
    time_zone,
    time_zones,
    zone_data_version,
)


@pytest.mark.parametrize("name", ["UTC", "Europe/Madrid", "America/Argentina/Ushuaia", "Asia/Kolkata", "EST"])
def test_names_of_the_database_are_zones(name: str) -> None:
    assert known_time_zone(name) == name
    assert zoneinfo.ZoneInfo(name).key == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "Mars/Phobos", "europe/madrid", "UTC ", "../UTC", "/etc/localtime", "Europe"),
        *("localtime", "Factory", "posixrules", "posix/UTC", "posix/Europe/Madrid", "right/Europe/Madrid"),
    ],
)
def test_what_is_no_place_is_refused_by_name(name: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        known_time_zone(name)
    assert (refused.value.reason, refused.value.metadata) == ("TIME_ZONE_UNKNOWN", {"time_zone": name})


def test_every_zone_that_is_accepted_has_rules() -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    assert all(now.astimezone(time_zone(name)).utcoffset() is not None for name in time_zones())


@pytest.mark.parametrize(
    ("zone", "instant", "local"),
    [
        # Laws of 2026 that the files of an older system do not know.
        ("Africa/Casablanca", "2026-11-25T23:30:00Z", "2026-11-25T23:30:00+00:00"),
        ("America/Vancouver", "2026-11-25T07:30:00Z", "2026-11-25T00:30:00-07:00"),
        ("America/Edmonton", "2026-11-25T06:30:00Z", "2026-11-25T00:30:00-06:00"),
    ],
)
def test_offsets_are_those_of_the_pinned_data(zone: str, instant: str, local: str) -> None:
    assert datetime.fromisoformat(instant).astimezone(time_zone(zone)) == datetime.fromisoformat(local)
    assert datetime.fromisoformat(instant).astimezone(time_zone(zone)).isoformat() == local


def test_the_files_of_the_operating_system_are_never_read(tmp_path: Path) -> None:
    wrong = tmp_path / "Asia" / "Tokyo"
    wrong.parent.mkdir()
    wrong.write_bytes(resources.files("tzdata").joinpath("zoneinfo", "Etc", "UTC").read_bytes())
    program = (
        "from datetime import datetime, UTC\n"
        "from zoneinfo import ZoneInfo\n"
        "from session_service.domain.days import Calendar\n"
        "from stats_service.domain import calendar\n"
        "night = datetime(2026, 5, 1, 20, tzinfo=UTC)\n"
        "print(night.astimezone(ZoneInfo('Asia/Tokyo')).day)\n"
        "print(Calendar('Asia/Tokyo').local_date(night).day)\n"
        "print(calendar.Calendar('Asia/Tokyo').day_of(night).day)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONTZPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    # The system's file says UTC, the pinned data nine hours more.
    assert told.stdout.split() == ["1", "2", "2"]


def test_the_version_of_the_data_is_the_locked_one() -> None:
    year, letter = zone_data_version()[:4], zone_data_version()[4:]
    assert metadata.version("tzdata") == f"{year}.{ord(letter) - ord('a') + 1}"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("UTC", "Etc/UTC"),
        ("Etc/Zulu", "Etc/UCT"),
        ("US/Pacific", "America/Los_Angeles"),
    ],
)
def test_two_names_of_one_zone_are_told(name: str, other: str) -> None:
    assert is_same_zone(name, other)
    assert is_same_zone(other, name)


@pytest.mark.parametrize(
    ("name", "other"),
    [("Europe/Oslo", "Europe/Berlin"), ("Asia/Tokyo", "Asia/Seoul"), ("UTC", "Europe/London")],
)
def test_places_whose_clocks_agree_are_zones_of_their_own(name: str, other: str) -> None:
    assert not is_same_zone(name, other)
