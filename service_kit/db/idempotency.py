"""The record that makes a repeated request get its first answer back.

The row is written in the transaction of the command itself: a command that
was rolled back leaves no key, and one that committed always has its outcome.
The answer made of it is added after (`service_kit.db.answers`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
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
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service_kit.call import Call
from service_kit.errors import ConflictError

KEPT = timedelta(hours=72)
# What a person is not given of the table: a digest, and the outcome again in the shape of an answer.
NOT_EXPORTED = frozenset({"request_digest", "answer", "answer_headers"})

Outcome = TypeVar("Outcome")


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
        Column("answer", LargeBinary),
        Column("answer_headers", JSONB),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    )


@lru_cache
def _adapter(outcome_type: type[Any]) -> TypeAdapter[Any]:
    # Building one takes longer than the statements of a command.
    return TypeAdapter(outcome_type)


@dataclass(frozen=True)
class _Statements:
    claim: Executable
    find: Executable
    remember: Executable


@lru_cache
def _statements(table: Table) -> _Statements:
    # Making one takes about as long as running it.
    mine = (table.c.user_id == bindparam("owner")) & (table.c.key == bindparam("used"))
    return _Statements(
        claim=insert(table).on_conflict_do_nothing().returning(table.c.key),
        find=select(table.c.method, table.c.request_digest, table.c.outcome).where(mine),
        remember=table.update().where(mine),
    )


class IdempotencyRecord:
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
