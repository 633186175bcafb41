"""Which names are a user's zone."""

from __future__ import annotations

import zoneinfo

import pytest

from service_kit.errors import InvalidArgumentError
from service_kit.time_zones import known_time_zone, time_zones


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


def test_entries_that_a_machine_adds_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = {"UTC", "localtime", "Factory", "posixrules", "posix/UTC", "right/UTC"}
    monkeypatch.setattr("service_kit.time_zones.available_timezones", lambda: everything)
    time_zones.cache_clear()
    try:
        assert time_zones() == {"UTC"}
    finally:
        time_zones.cache_clear()
