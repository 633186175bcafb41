"""The time zones a user may be in, from the pinned `tzdata` package alone.

A local date is frozen once it is stored, so it must not depend on the machine
it was computed on: the operating system's zone files are never read.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import tzdata

from service_kit.errors import InvalidArgumentError

# An entry of the database that is no place: a note to its installer.
_NO_PLACES = frozenset({"Factory"})


def zone_data_version() -> str:
    """Returns the release of the zone data in use, such as `2026f`."""
    return str(tzdata.IANA_VERSION)


@cache
def time_zones() -> frozenset[str]:
    """Returns the IANA names that are accepted."""
    names = files(tzdata).joinpath("zones").read_text(encoding="utf-8").split()
    return frozenset(names) - _NO_PLACES


def known_time_zone(name: str) -> str:
    """Returns the name of a zone. Raises InvalidArgumentError with TIME_ZONE_UNKNOWN for any other text."""
    if name not in time_zones():
        raise InvalidArgumentError(
            f"'{name[:64]}' is not an IANA time zone", reason="TIME_ZONE_UNKNOWN", time_zone=name[:64]
        )
    return name


@cache
def time_zone(name: str) -> ZoneInfo:
    """Returns a zone's rules by its IANA name. Raises KeyError for any other text."""
    if name not in time_zones():
        raise KeyError(name)
    with files(tzdata).joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def is_same_zone(name: str, other: str) -> bool:
    """Tells whether two names are of one zone, as `Asia/Calcutta` and `Asia/Kolkata` are.

    `Europe/Oslo` and `Europe/Berlin` are two, though their clocks agree today.
    """
    return name == other or canonical_name(name) == canonical_name(other)


def canonical_name(name: str) -> str:
    """Returns the present name of a zone that was renamed; any other text as it is."""
    return _renamed().get(name, name)


@cache
def _renamed() -> dict[str, str]:
    """Returns the present names by the former ones.

    The database links former names to present ones, and also places whose
    clocks agree to each other; `zone.tab` lists those that are places.
    """
    data = files(tzdata).joinpath("zoneinfo")
    lines = data.joinpath("zone.tab").read_text(encoding="utf-8").splitlines()
    places = {line.split("\t")[2] for line in lines if line and not line.startswith("#")}
    links = (line.split() for line in data.joinpath("tzdata.zi").read_text(encoding="utf-8").splitlines())
    return {link[2]: link[1] for link in links if link[:1] == ["L"] and link[2] not in places}
