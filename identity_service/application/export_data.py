"""Gives a person everything that the platform keeps of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing

from identity_service.application.archive import Archive
from identity_service.application.ports import Clock, PersonalFiles, UnitOfWorkFactory
from identity_service.domain.errors import AccountNotFoundError
from service_kit.errors import UnavailableError
from service_kit.personal_data import FileChunk

# For a service to begin.
_PATIENCE_SECONDS = 8.0


class ExportData:
    """Yields a ZIP archive of the files of every service.

    Nothing of it is in memory for longer than a piece, however much there is.
    """

    def __init__(self, units: UnitOfWorkFactory, offices: Mapping[str, PersonalFiles], clock: Clock) -> None:
        self._units = units
        self._offices = offices
        self._clock = clock

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
            for office in self._offices.values():
                chunks = await streams.enter_async_context(aclosing(office.export(user_id)))
                begun.append((await _first(chunks), chunks))
            for first, chunks in begun:
                async for chunk in _all(first, chunks):
                    if packed := await _packed(archive, chunk):
                        yield packed
            yield archive.finish(account_number=user_id, made_at=made_at.isoformat())


async def _packed(archive: Archive, chunk: FileChunk) -> bytes:
    """Packs beside the event loop, for it takes a core for a while; never leaves one at it alone."""
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
