"""Where the processes of the session service are."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable

from service_kit.setting_types import addresses, is_ip, split_address

_LONGEST_LOOK_SECONDS = 5.0

# Returns the IP addresses of a name. Raises OSError.
Resolve = Callable[[str], Awaitable[Iterable[str]]]


async def resolve_name(name: str) -> list[str]:
    """Returns the IP addresses that the system has for a name. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Processes:
    """The addresses that are listed, or those of a name, which may be others later.

    A name is looked up again every so many seconds.
    """

    def __init__(self, address: str, resolve: Resolve = resolve_name, every: float = 10.0) -> None:
        self.listed = addresses(address)
        self.every = every
        self._name, self._port = split_address(self.listed[0])
        self._resolve = resolve

    @property
    def is_name(self) -> bool:
        """Whether the addresses have to be looked up."""
        return not is_ip(self._name)

    async def look_up(self) -> list[str]:
        """Returns the addresses of the name, each once. Raises OSError."""
        async with asyncio.timeout(_LONGEST_LOOK_SECONDS):
            hosts = await self._resolve(self._name)
        return [
            f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"
            for host in dict.fromkeys(hosts)
        ]
