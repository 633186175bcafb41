"""Keeps finished answers beside the outcomes they were made of."""

from __future__ import annotations

import asyncio
import zlib
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Table, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.answers import Answer
from service_kit.call import Call, RequestIdentity

# A mebibyte takes some 15 ms, in which other calls need not wait.
_LARGE = 64 * 1024


class SqlAnswers:
    """Implements service_kit.answers.Answers on a service's idempotency table.

    An answer is added to the row of a command that committed, and never
    replaced: of requests sent at the same instant all get the one kept first.
    """

    def __init__(self, engine: AsyncEngine, table: Table) -> None:
        self._engine = engine
        self._table = table

    async def find(self, call: Call) -> Answer | None:
        """Returns the answer to the same request under the same key."""
        if call.request is None:
            return None
        columns = self._table.c
        query = select(columns.answer, columns.answer_headers).where(
            self._is_of(call, call.request), columns.answer.is_not(None)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        headers = tuple((name, value) for name, value in row.answer_headers)
        return Answer(await _off_the_loop(zlib.decompress, row.answer), headers)

    async def keep(self, call: Call, answer: Answer) -> Answer:
        """Adds the answer to its row, which a request that changed nothing does not have."""
        if call.request is None:
            return answer
        packed = await _off_the_loop(partial(zlib.compress, level=1), answer.message)
        addition = (
            update(self._table)
            .where(self._is_of(call, call.request), self._table.c.answer.is_(None))
            .values(answer=packed, answer_headers=[list(header) for header in answer.headers])
            # A machine that stops in this instant falls back on the outcome; nobody waits for the disk.
            .returning(func.set_config("synchronous_commit", "off", True))
        )
        async with self._engine.begin() as connection:
            if (await connection.execute(addition)).first() is not None:
                return answer
        return await self.find(call) or answer

    def _is_of(self, call: Call, request: RequestIdentity) -> ColumnElement[bool]:
        columns = self._table.c
        return (
            (columns.user_id == call.user_id)
            & (columns.key == request.key)
            & (columns.method == request.method)
            & (columns.request_digest == request.digest)
        )


async def _off_the_loop(work: Any, data: bytes) -> bytes:
    result: bytes = await asyncio.to_thread(work, data) if len(data) > _LARGE else work(data)
    return result
