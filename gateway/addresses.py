"""Where a service listens: one address, or several of its copies."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?")
_NUMERIC = re.compile(r"[0-9.]+")
_ADDRESS = re.compile(r"(?:\[(?P<v6>[^\[\]]*)\]|(?P<host>[^\[\]:]*)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host, by name or number, and a port."""

    host: str
    port: int

    @property
    def is_number(self) -> bool:
        """Tells a numeric address from a name, which is to be looked up."""
        return is_ip(self.host)


def is_ip(host: str) -> bool:
    """Tells a numeric address from a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def endpoints(text: str) -> list[Endpoint]:
    """Returns what `host:port`, or a comma-separated list of them, names. Raises ValueError otherwise."""
    found = [_endpoint(item.strip()) for item in text.split(",")]
    if len(set(found)) != len(found):
        raise ValueError("names an address twice")
    return found


def _endpoint(text: str) -> Endpoint:
    parts = _ADDRESS.fullmatch(text)
    if parts is None or not 0 < int(parts["port"]) <= 65535:
        raise ValueError(f"{text!r} is not host:port with a port from 1 to 65535")
    host = parts["v6"] if parts["v6"] is not None else parts["host"]
    if not _is_host(host, numeric=parts["v6"] is not None or _NUMERIC.fullmatch(host) is not None):
        raise ValueError(f"{text!r} has no host: that is a name, an IPv4 address or [an IPv6 address]")
    return Endpoint(host, int(parts["port"]))


def _is_host(host: str, *, numeric: bool) -> bool:
    return is_ip(host) if numeric else _NAME.fullmatch(host) is not None
