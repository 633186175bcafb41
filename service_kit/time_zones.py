"""The time zones a user may be in."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from service_kit.errors import InvalidArgumentError

# Entries of a zone database that are no place: what this machine is set to, a
# note to its installer, a template for POSIX strings, and copies of the others.
_NO_PLACES = frozenset({"localtime", "Factory", "posixrules"})
_COPIES = ("posix/", "right/")


@cache
def time_zones() -> frozenset[str]:
    """Returns the IANA names that are accepted."""
    return frozenset(
        name for name in available_timezones() if name not in _NO_PLACES and not name.startswith(_COPIES)
    )


def known_time_zone(name: str) -> str:
    """Returns the name of a zone. Raises InvalidArgumentError with TIME_ZONE_UNKNOWN for any other text."""
    if name not in time_zones():
        raise InvalidArgumentError(
            f"'{name[:64]}' is not an IANA time zone", reason="TIME_ZONE_UNKNOWN", time_zone=name[:64]
        )
    return name
