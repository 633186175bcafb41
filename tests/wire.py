"""The wire between a service and its database, on which it is counted how often the database is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import make_url


class Wire:
    """A proxy before the database that counts how often it is asked after it has answered."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = host, port
        self.round_trips = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            yield server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_connection(*self._upstream)
        said_last = "database"

        async def pass_on(who: str, read: asyncio.StreamReader, write: asyncio.StreamWriter) -> None:
            nonlocal said_last
            while data := await read.read(65536):
                if who == "service" and said_last == "database":
                    self.round_trips += 1
                said_last = who
                write.write(data)
            write.close()

        await asyncio.gather(
            pass_on("service", reader, asks), pass_on("database", answers, writer), return_exceptions=True
        )


@asynccontextmanager
async def wire_to(database_url: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire for the duration of a block, and the database's URL behind it."""
    url = make_url(database_url)
    wire = Wire(url.host or "", url.port or 5432)
    async with wire.listening() as port:
        yield wire, url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)


async def count(wire: Wire, call: Callable[[], Awaitable[Any]]) -> int:
    """Returns the round trips of a call, the fewest of some: now and then a service asks for itself."""
    counts = []
    for _ in range(5):
        before = wire.round_trips
        await call()
        counts.append(wire.round_trips - before)
    return min(counts)
