"""The record that makes a repeated request get its first response back.

The row is written in the transaction of the command itself: a command that
was rolled back leaves no key, and one that committed always has its outcome.
The response made of it is added after.
"""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Executable,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service_kit.call import Call, RequestIdentity
from service_kit.db.engines import single_statements
from service_kit.errors import ConflictError
from service_kit.logging import get_logger
from service_kit.once import Idempotency, SavedResponse, SavedResponses

KEPT = timedelta(hours=72)
# A mebibyte takes some 15 ms to compress, in which other calls need not wait.
_LARGE_BYTES = 64 * 1024
# What a user is not given of the table: a digest, and the outcome again in the shape of a response.
NOT_EXPORTED = frozenset({"request_digest", "response", "response_headers"})

Outcome = TypeVar("Outcome")

log = get_logger(__name__)


def idempotency_table(metadata: MetaData) -> Table:
    """Returns the table, for a service's own schema."""
    return Table(
        "idempotency",
        metadata,
        Column("user_id", BigInteger, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("method", Text, nullable=False),
        Column("request_digest", LargeBinary, nullable=False),
        Column("outcome", JSONB),
        Column("response", LargeBinary),
        Column("response_headers", JSONB),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    )


@lru_cache
def _adapter(outcome_type: type[Any]) -> TypeAdapter[Any]:
    # Building one takes longer than the statements of a command.
    return TypeAdapter(outcome_type)


def outcome_to_text(outcome: Any, outcome_type: type[Any]) -> str:
    """Returns an outcome as the table has it, for statements that a service sends by itself."""
    return _adapter(cast(Any, outcome_type)).dump_json(outcome).decode()


@dataclass(frozen=True)
class _Statements:
    claim: Executable
    find: Executable
    remember: Executable
    find_response: Executable
    keep_response: Executable


@lru_cache
def _statements(table: Table) -> _Statements:
    # Making one takes about as long as running it.
    mine = (table.c.user_id == bindparam("owner")) & (table.c.key == bindparam("used"))
    same = (
        mine
        & (table.c.method == bindparam("of_method"))
        & (table.c.request_digest == bindparam("of_digest", type_=LargeBinary()))
    )
    return _Statements(
        claim=insert(table).on_conflict_do_nothing().returning(table.c.key),
        find=select(table.c.method, table.c.request_digest, table.c.outcome).where(mine),
        remember=table.update().where(mine),
        find_response=select(table.c.response, table.c.response_headers).where(
            same, table.c.response.is_not(None)
        ),
        keep_response=update(table)
        .where(same, table.c.response.is_(None))
        .values(
            response=bindparam("packed", type_=LargeBinary()),
            response_headers=bindparam("headers", type_=JSONB()),
        )
        # A machine that stops in this instant falls back on the outcome; nobody waits for the disk.
        .returning(func.set_config("synchronous_commit", "off", True)),
    )


class IdempotencyRecord(Idempotency):
    """Claims a key for a command, or finds what the command answered before."""

    def __init__(self, connection: AsyncConnection, table: Table) -> None:
        self._connection = connection
        self._table = table

    async def claim(self, call: Call, outcome_type: type[Outcome]) -> Outcome | None:
        """Returns the first outcome of a repeated request, None for a new one.

        A repeat that arrives while the first is under way waits for it. Raises
        ConflictError with IDEMPOTENCY_KEY_REUSED when the key came with
        another request.
        """
        request = call.request
        if request is None:
            return None
        statements = _statements(self._table)
        mine = {"owner": call.user_id, "used": request.key}
        claim = {
            "user_id": call.user_id,
            "key": request.key,
            "method": request.method,
            "request_digest": request.digest,
        }
        if (await self._connection.execute(statements.claim, claim)).first() is not None:
            return None
        row = (await self._connection.execute(statements.find, mine)).one()
        if row.method != request.method or row.request_digest != request.digest:
            raise ConflictError(
                "The idempotency key was used with another request",
                reason="IDEMPOTENCY_KEY_REUSED",
                key=request.key,
            )
        outcome: Outcome = _adapter(cast(Any, outcome_type)).validate_python(row.outcome)
        return outcome

    async def remember(self, call: Call, outcome: Any, outcome_type: type[Any]) -> None:
        """Stores the outcome under the claimed key."""
        if call.request is None:
            return
        document = _adapter(cast(Any, outcome_type)).dump_python(outcome, mode="json")
        mine = {"owner": call.user_id, "used": call.request.key}
        await self._connection.execute(_statements(self._table).remember, {**mine, "outcome": document})

    async def forget_old(self) -> int:
        """Deletes keys older than 72 hours; returns how many."""
        old = self._table.c.created_at < func.now() - KEPT
        return (await self._connection.execute(delete(self._table).where(old))).rowcount


class IdempotencyHousekeeping:
    """Deletes a service's idempotency keys older than 72 hours. Any number of copies may run it."""

    def __init__(self, engine: AsyncEngine, table: Table) -> None:
        self._engine = engine
        self._table = table

    async def __call__(self) -> None:
        """Deletes what is old now. Idempotent."""
        async with self._engine.begin() as connection:
            deleted = await IdempotencyRecord(connection, self._table).forget_old()
        log.info("idempotency_keys_deleted", keys=deleted)


class SqlSavedResponses(SavedResponses):
    """Saved responses in a service's idempotency table.

    A response is added to the row of a command that committed, and never
    replaced: of requests sent at the same instant all get the one kept first.
    """

    def __init__(self, engine: AsyncEngine, table: Table) -> None:
        self._engine = single_statements(engine)
        self._table = table

    async def find(self, call: Call) -> SavedResponse | None:
        """Returns the response to the same request under the same key."""
        if call.request is None:
            return None
        async with self._engine.connect() as connection:
            found = await connection.execute(
                _statements(self._table).find_response, _same(call, call.request)
            )
            row = found.first()
        if row is None:
            return None
        headers = tuple((name, value) for name, value in row.response_headers)
        return SavedResponse(await _run_beside_the_loop(zlib.decompress, row.response), headers)

    async def keep(self, call: Call, response: SavedResponse) -> SavedResponse:
        """Adds the response to its row, which a request that changed nothing does not have."""
        if call.request is None:
            return response
        packed = await _run_beside_the_loop(partial(zlib.compress, level=1), response.message)
        addition = {
            **_same(call, call.request),
            "packed": packed,
            "headers": [list(header) for header in response.headers],
        }
        async with self._engine.connect() as connection:
            kept = await connection.execute(_statements(self._table).keep_response, addition)
            if kept.first() is not None:
                return response
        return await self.find(call) or response


def _same(call: Call, request: RequestIdentity) -> dict[str, Any]:
    """Returns what the row of the same request has."""
    return {
        "owner": call.user_id,
        "used": request.key,
        "of_method": request.method,
        "of_digest": request.digest,
    }


async def _run_beside_the_loop(work: Any, data: bytes) -> bytes:
    result: bytes = await asyncio.to_thread(work, data) if len(data) > _LARGE_BYTES else work(data)
    return result
