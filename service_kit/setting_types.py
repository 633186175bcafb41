"""Kinds of settings: addresses, levels, files. Each says in words what it takes."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Takes:
    """What a setting takes, in words for a person."""

    words: str


def split_address(text: str) -> tuple[str, int]:
    """Returns the host and the port of `host:port`. Raises ValueError."""
    host, colon, port = text.strip().rpartition(":")
    whole = colon and host and port.isascii() and port.isdecimal() and int(port) <= HIGHEST_PORT
    bare_ipv6 = ":" in host and not (host.startswith("[") and host.endswith("]"))
    if not whole or bare_ipv6 or any(letter.isspace() or letter in "/,@" for letter in host):
        raise ValueError(f"{text!r} is not host:port")
    return host, int(port)


def is_ip(host: str) -> bool:
    """Tells an IP address, in brackets or without, from a name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def addresses(text: str) -> list[str]:
    """Returns the addresses of a comma-separated list. Raises ValueError.

    Several have to be IP addresses of one family: gRPC takes no list of names.
    """
    listed = [item.strip() for item in text.split(",")]
    hosts = [split_address(item)[0].strip("[]") for item in listed]
    if len(listed) > 1:
        families = {ipaddress.ip_address(host).version for host in hosts}
        if len(families) > 1:
            raise ValueError(f"{text!r} mixes IPv4 and IPv6")
    return listed


def _address(text: str) -> str:
    split_address(text)
    return text.strip()


def _addresses(text: str) -> str:
    return ",".join(addresses(text))


def _origins(text: str) -> str:
    for origin in (item.strip() for item in text.split(",") if item.strip()):
        parts = urlsplit(origin)
        # Raises ValueError for a port that is none.
        _ = parts.port
        whole = parts.scheme in ("http", "https") and parts.hostname
        if origin != "*" and (not whole or origin != f"{parts.scheme}://{parts.netloc}" or "@" in origin):
            raise ValueError(f"{origin!r} is no origin")
    return text


def _url_of(*schemes: str) -> AfterValidator:
    def check(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes:
            raise ValueError(f"an address that begins with {schemes[0]}:// is needed")
        # Raises ValueError for a port that is none.
        _ = parts.port
        return text

    return AfterValidator(check)


def _upper(text: object) -> object:
    return text.upper() if isinstance(text, str) else text


def _readable(path: Path) -> Path:
    try:
        empty = not path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{path} cannot be read") from error
    if empty:
        raise ValueError(f"{path} is empty")
    return path


LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    BeforeValidator(_upper),
]
Address = Annotated[str, AfterValidator(_address), Takes("host:port, such as 127.0.0.1:50053")]
Addresses = Annotated[
    str,
    AfterValidator(_addresses),
    Takes("host:port, or several IP addresses: 10.0.0.1:50053,10.0.0.2:50053"),
]
AddressesIfAny = Annotated[
    str,
    AfterValidator(lambda text: _addresses(text) if text.strip() else ""),
    Takes("host:port, or several IP addresses: 10.0.0.1:50053,10.0.0.2:50053, or nothing"),
]
Origins = Annotated[
    str,
    AfterValidator(_origins),
    Takes("origins of web pages, such as https://app.example,http://localhost:3000, or * for all"),
]
PostgresUrl = Annotated[
    str, _url_of("postgresql", "postgres"), Takes("postgresql://user:password@host:port/database")
]
RedisUrl = Annotated[
    str, _url_of("redis", "rediss", "unix"), Takes("redis://:password@host:port/0, or rediss:// with TLS")
]
KeysUri = Annotated[str, _url_of("file", "https", "http"), Takes("file:///path or https://host/path")]
SecretFile = Annotated[Path, AfterValidator(_readable), Takes("the path of a file that is not empty")]
