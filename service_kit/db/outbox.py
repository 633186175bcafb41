"""The outbox: events stored in the transaction that caused them, until their consumer has them.

State is kept per row, not as a cursor over positions: transactions commit out
of order, and a cursor would skip the late ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    any_,
    bindparam,
    delete,
    func,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

# How long a relay has for a round before others may take its rows.
LEASE = timedelta(seconds=30)
KEPT = timedelta(days=7)


def outbox_table(metadata: MetaData) -> Table:
    """Returns the table, for a service's own schema. `aggregate_id` is what the event is about."""
    return Table(
        "outbox",
        metadata,
        Column("user_id", BigInteger, primary_key=True, autoincrement=False),
        Column("user_seq", BigInteger, primary_key=True, autoincrement=False),
        # A relay and its consumer know the event and not whose it is.
        Column("event_id", Uuid, nullable=False, unique=True),
        Column("aggregate_id", BigInteger, nullable=False),
        Column("kind", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("next_attempt_at", DateTime(timezone=True), nullable=False),
        Column("acked_at", DateTime(timezone=True)),
        Column("dead_at", DateTime(timezone=True)),
        Column("last_error", Text),
        # The request that made the event, for whoever follows it through the logs; empty for none.
        Column("request_id", Text, nullable=False, server_default=""),
        UniqueConstraint("aggregate_id", "kind"),
        Index(
            "outbox_due",
            "next_attempt_at",
            postgresql_where=text("acked_at IS NULL AND dead_at IS NULL"),
        ),
        Index("outbox_dead", "dead_at", "event_id", postgresql_where=text("dead_at IS NOT NULL")),
    )


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A due event as a relay sees it, with its payload once it is claimed."""

    event_id: UUID
    user_id: int
    aggregate_id: int
    request_id: str
    kind: str
    attempts: int
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """Rows that are neither closed nor dead, how long ago the first of them was written, and dead rows."""

    waiting: int
    oldest_waiting: timedelta | None
    dead: int


@cache
def _look(table: Table) -> Select[Any]:
    """A relay says it twice a second, mostly to nothing: it is made once."""
    due = select(*_seen(table)).where(*_is_due(table)).order_by(table.c.next_attempt_at)
    return due.limit(bindparam("limit", type_=Integer))


@cache
def _claim(table: Table) -> ReturningUpdate[Any]:
    due = select(table.c.event_id).where(_named(table), *_is_due(table)).with_for_update(skip_locked=True)
    return (
        update(table)
        .where(table.c.event_id.in_(due))
        .values(next_attempt_at=func.now() + bindparam("lease", type_=Interval))
        .returning(*_seen(table), table.c.payload)
    )


def _seen(table: Table) -> Sequence[Column[Any]]:
    c = table.c
    return c.event_id, c.user_id, c.aggregate_id, c.request_id, c.kind, c.attempts


def _is_due(table: Table) -> Sequence[ColumnElement[bool]]:
    c = table.c
    return c.acked_at.is_(None), c.dead_at.is_(None), c.next_attempt_at <= func.now()


def _named(table: Table) -> ColumnElement[bool]:
    """The rows of `event_ids`: one parameter for thousands of them."""
    return table.c.event_id == any_(bindparam("event_ids", type_=ARRAY(Uuid)))


class OutboxRows:
    """The statements of an outbox, on one connection; the caller commits."""

    def __init__(self, connection: AsyncConnection, table: Table) -> None:
        self._connection = connection
        self._table = table

    async def look(self, limit: int) -> Sequence[OutboxRow]:
        """Returns due rows without their payloads, and leaves them as they are."""
        rows = await self._connection.execute(_look(self._table), {"limit": limit})
        return [OutboxRow(*row) for row in rows]

    async def claim(self, event_ids: Sequence[UUID], lease: timedelta = LEASE) -> Sequence[OutboxRow]:
        """Returns those that are due and that no other relay holds, and keeps them while the lease lasts."""
        named = {"event_ids": event_ids, "lease": lease}
        return [OutboxRow(*row) for row in await self._connection.execute(_claim(self._table), named)]

    async def acknowledge(self, event_ids: Sequence[UUID]) -> None:
        """Closes rows for good, those that are not, dead letters too: they have arrived."""
        table = self._table
        open_ones = _named(table), table.c.acked_at.is_(None)
        closing = update(table).where(*open_ones).values(acked_at=func.now(), dead_at=None, last_error=None)
        await self._connection.execute(closing, {"event_ids": event_ids})

    async def bury(self, event_id: UUID, reason: str) -> None:
        """Makes a row a dead letter, unless another relay found that it has arrived."""
        table = self._table
        open_one = table.c.event_id == event_id, table.c.acked_at.is_(None)
        await self._connection.execute(
            update(table).where(*open_one).values(dead_at=func.now(), last_error=reason)
        )

    async def retry(self, event_ids: Sequence[UUID], *, counted: bool, wait: timedelta, error: str) -> None:
        """Makes rows due again after `wait`, but for those that another relay has settled."""
        table = self._table
        await self._connection.execute(
            update(table)
            .where(_named(table), table.c.acked_at.is_(None), table.c.dead_at.is_(None))
            .values(
                attempts=table.c.attempts + int(counted),
                next_attempt_at=func.now() + wait,
                last_error=error or None,
            ),
            {"event_ids": event_ids},
        )

    async def count(self) -> OutboxCounts:
        """Counts what has not arrived, from indexes that hold nothing else."""
        table = self._table
        waiting = table.c.acked_at.is_(None) & table.c.dead_at.is_(None)
        age = select(func.now() - func.min(table.c.created_at)).where(waiting)
        counts = select(
            select(func.count()).select_from(table).where(waiting).scalar_subquery(),
            age.scalar_subquery(),
            select(func.count()).select_from(table).where(table.c.dead_at.is_not(None)).scalar_subquery(),
        )
        waits, oldest, dead = (await self._connection.execute(counts)).one()
        return OutboxCounts(waits, oldest, dead)

    async def dead(self, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Row[Any]]:
        """Returns dead letters without their payloads, the latest first, `after` the one that died then."""
        table = self._table
        columns = [column for column in table.c if column is not table.c.payload]
        letters = select(*columns).where(table.c.dead_at.is_not(None))
        if after is not None:
            letters = letters.where(tuple_(table.c.dead_at, table.c.event_id) < tuple_(*after))
        in_order = letters.order_by(table.c.dead_at.desc(), table.c.event_id.desc())
        return (await self._connection.execute(in_order.limit(limit))).all()

    async def requeue_dead(self, event_ids: Sequence[UUID]) -> int:
        """Gives these dead letters, or all when none is named, a new life; returns how many there were."""
        table = self._table
        revival = update(table).where(table.c.dead_at.is_not(None))
        if event_ids:
            revival = revival.where(table.c.event_id.in_(event_ids))
        revived = await self._connection.execute(
            revival.values(dead_at=None, attempts=0, next_attempt_at=func.now())
        )
        return revived.rowcount

    async def put_back(self, rows: Sequence[dict[str, Any]]) -> int:
        """Makes events due now, whether their rows are closed, dead or forgotten; returns how many.

        Rows that wait are left alone. `rows` have every column without a
        default but `next_attempt_at`.
        """
        table = self._table
        due = {"next_attempt_at": func.now(), "attempts": 0, "acked_at": None, "dead_at": None}
        back = insert(table).values([{**row, "next_attempt_at": func.now()} for row in rows])
        put = await self._connection.execute(
            back.on_conflict_do_update(
                index_elements=["event_id"],
                set_={**due, "last_error": None},
                where=or_(table.c.acked_at.is_not(None), table.c.dead_at.is_not(None)),
            )
        )
        return put.rowcount

    async def forget_old(self) -> int:
        """Deletes rows closed more than seven days ago; returns how many."""
        old = self._table.c.acked_at < func.now() - KEPT
        return (await self._connection.execute(delete(self._table).where(old))).rowcount
