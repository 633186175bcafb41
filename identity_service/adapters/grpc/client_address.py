"""The network address a call came from."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

# Set by the gateway, which takes it away from whoever else sends it.
CLIENT_ADDRESS = "x-practice-client-address"


def client_address(metadata: Iterable[tuple[str, str | bytes]], peer: str) -> str:
    """Returns the client's address as the gateway saw it, or the peer's where there is no gateway."""
    told = next((str(value) for key, value in metadata if key == CLIENT_ADDRESS), "")
    if told:
        return told
    # Such as `ipv4:127.0.0.1:50000` or `ipv6:%5B::1%5D:50000`.
    address = unquote(peer).partition(":")[2]
    return address.rpartition(":")[0].strip("[]") or peer
