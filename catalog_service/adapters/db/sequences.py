"""The statements that read and write sequences."""

from __future__ import annotations

from collections import abc
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog_service.adapters.db.statements import among, put_rows
from catalog_service.adapters.db.tables import sequences
from catalog_service.application.ports.contents import LoadCounts, Sequences
from catalog_service.domain.contents import Content, Pose, Sequence

_COLUMNS = (
    sequences.c.sequence_id,
    sequences.c.title,
    sequences.c.description,
    sequences.c.difficulty,
    sequences.c.poses,
)
_number = sequences.c.sequence_id


class SqlSequences(Sequences):
    """Sequences in the catalog schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def contents(self, numbers: Collection[int]) -> Mapping[int, Content]:
        """Returns those that exist."""
        query = select(_number, sequences.c.title).where(among(_number, numbers))
        return {row.sequence_id: Content(row.title) for row in await self._connection.execute(query)}

    async def get(self, sequence_id: int) -> Sequence | None:
        """Returns one sequence, None for an unknown number."""
        row = (await self._connection.execute(select(*_COLUMNS).where(_number == sequence_id))).first()
        return _sequence(row) if row else None

    async def page(self, after: int, limit: int) -> abc.Sequence[Sequence]:
        """Returns up to `limit` sequences numbered above `after`."""
        query = select(*_COLUMNS).where(_number > after).order_by(_number).limit(limit)
        return [_sequence(row) for row in await self._connection.execute(query)]

    async def put(self, new: abc.Sequence[Sequence]) -> LoadCounts:
        """Creates or replaces sequences in one statement; rows that are the same are not written."""
        return await put_rows(self._connection, sequences, [asdict(sequence) for sequence in new])


def _sequence(row: Any) -> Sequence:
    return Sequence(
        row.sequence_id,
        row.title,
        row.description,
        row.difficulty,
        tuple(Pose(**pose) for pose in row.poses),
    )
