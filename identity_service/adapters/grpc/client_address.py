"""The network address a call came from."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

FORWARDED_FOR = "x-forwarded-for"


def client_address(metadata: Iterable[tuple[str, str | bytes]], peer: str, trusted_hops: int) -> str:
    """Returns the client's address, as the gateway saw it.

    Every proxy appends the address it was called from, so the entries at the
    end are the ones no client can write: the last is what the gateway saw, and
    with `trusted_hops` proxies in front of the gateway the client stands that
    many places before it. Without the header it is the peer itself.
    """
    values = [str(value) for key, value in metadata if key == FORWARDED_FOR]
    entries = [entry.strip() for entry in ",".join(values).split(",") if entry.strip()]
    if entries:
        return entries[max(0, len(entries) - 1 - trusted_hops)]
    # Such as `ipv4:127.0.0.1:50000` or `ipv6:%5B::1%5D:50000`.
    address = unquote(peer).partition(":")[2]
    return address.rpartition(":")[0].strip("[]") or peer
