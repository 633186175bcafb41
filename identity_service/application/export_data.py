"""Exports all personal data of an account, from every service, as a ZIP archive."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import IO, Any

from identity_service.application.ports.erasures import PersonalFiles
from identity_service.application.ports.unit_of_work import Clock, UnitOfWorkFactory
from identity_service.domain.errors import AccountNotFoundError
from service_kit.errors import UnavailableError
from service_kit.personal_data import README, FileChunk
from service_kit.turns import Turns

MANIFEST = "manifest.json"
# For a service to begin.
_PATIENCE_SECONDS = 8.0

_GUIDE = b"""\
This is what the platform keeps of you.

There is a folder for each part of the platform; the README.txt in it says what
its files are. Each kind of data is there twice, with the same entries: as JSON
(an array of objects) for programs, and as CSV with a header for spreadsheets.
Both are in UTF-8, times are in UTC. Text that a spreadsheet could take for a
formula has an apostrophe before it in CSV.

Your password, the secrets of your log-ins, and fingerprints made to compare
are not in it.

manifest.json lists all files with how many entries each has, its size in bytes
and its SHA-256. It comes last: without it the download was broken off, and is
to be repeated. What you did while the archive was made may be missing.
"""


class ExportData:
    """Yields a ZIP archive of the files of every service.

    Nothing of it is in memory for longer than a piece, however much there is.
    """

    def __init__(self, units: UnitOfWorkFactory, clients: Mapping[str, PersonalFiles], clock: Clock) -> None:
        self._units = units
        self._clients = clients
        self._clock = clock
        # Packing takes a core for a while, and there are few.
        self._packing = Turns()

    async def __call__(self, user_id: int) -> AsyncGenerator[bytes]:
        """Raises AccountNotFoundError; UnavailableError before the first byte when a service is away.

        A service that goes away later breaks the archive off: it has no manifest.
        """
        async with self._units() as unit:
            if await unit.accounts.get(user_id) is None:
                raise AccountNotFoundError
        made_at = self._clock()
        archive = Archive()
        async with AsyncExitStack() as streams:
            streams.callback(archive.discard)
            begun = []
            for client in self._clients.values():
                chunks = await streams.enter_async_context(aclosing(client.export(user_id)))
                begun.append((await _first(chunks), chunks))
            yield archive.add(FileChunk(README, _GUIDE, 0))
            for first, chunks in begun:
                async for chunk in _all(first, chunks):
                    async with self._packing.turn():
                        packed = await _pack(archive, chunk)
                    if packed:
                        yield packed
            yield archive.finish(account_number=user_id, made_at=made_at.isoformat())


async def _pack(archive: Archive, chunk: FileChunk) -> bytes:
    """Packs beside the event loop; never leaves a thread at it alone."""
    packing = asyncio.ensure_future(asyncio.to_thread(archive.add, chunk))
    try:
        return await asyncio.shield(packing)
    except asyncio.CancelledError:
        await asyncio.wait([packing])
        raise


async def _first(chunks: AsyncGenerator[FileChunk]) -> FileChunk | None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await anext(chunks, None)
    except TimeoutError as error:
        raise UnavailableError("Not every service answers; try again", part="export") from error


async def _all(first: FileChunk | None, chunks: AsyncGenerator[FileChunk]) -> AsyncGenerator[FileChunk]:
    if first is not None:
        yield first
    async for chunk in chunks:
        yield chunk


class _Drain(io.RawIOBase):
    """Takes what is written and gives it away once. Cannot seek, so ZIP writes sizes after each file."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any, /) -> int:
        """Takes everything."""
        self._waiting += data
        return len(data)

    def take(self) -> bytes:
        """Returns what came since the last time."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


@dataclass(slots=True)
class _Entry:
    """A file being written."""

    name: str
    stream: IO[bytes]
    rows: int = 0
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def describe(self) -> dict[str, Any]:
        """Returns what the manifest says of it."""
        return {"name": self.name, "rows": self.rows, "bytes": self.size, "sha256": self.digest.hexdigest()}


class Archive:
    """Files one after the other, then a manifest of them. Holds no more than was not taken yet."""

    def __init__(self) -> None:
        self._drain = _Drain()
        self._zip = zipfile.ZipFile(self._drain, "w", zipfile.ZIP_DEFLATED)
        self._open: _Entry | None = None
        self._done: list[dict[str, Any]] = []

    def add(self, chunk: FileChunk) -> bytes:
        """Takes a piece of a file, and returns what there is of the archive since the last piece."""
        if self._open is None or self._open.name != chunk.file:
            self._close()
            self._open = _Entry(chunk.file, self._zip.open(chunk.file, "w", force_zip64=True))
        self._open.stream.write(chunk.data)
        self._open.digest.update(chunk.data)
        self._open.size += len(chunk.data)
        self._open.rows += chunk.rows
        return self._drain.take()

    def finish(self, **about: object) -> bytes:
        """Adds the manifest, with what is said of the whole, and returns the end of the archive."""
        self._close()
        manifest = {**about, "files": self._done}
        self._zip.writestr(MANIFEST, json.dumps(manifest, indent=2) + "\n")
        self._zip.close()
        return self._drain.take()

    def discard(self) -> None:
        """Lets go of what was not finished."""
        self._close()
        self._zip.close()

    def _close(self) -> None:
        if self._open is not None:
            self._open.stream.close()
            self._done.append(self._open.describe())
            self._open = None
