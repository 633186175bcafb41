"""Tombstones of erased users, and the triggers that refuse new rows of theirs.

A tombstone says that a user was erased. Triggers refuse new rows of theirs,
whatever statement brings them and however old its access token is: a command
pays no round trip for it. Whoever inserts a row holds the user's lock,
shared, until the commit; the tombstone is written under the same lock,
exclusive. So whatever was under way is there to be deleted when the tombstone
is, and whatever comes later finds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Select, Table, Text, func, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service_kit.db.faults import ERASED
from service_kit.personal_data import Report


def erased_user_table(metadata: MetaData) -> Table:
    """Returns the table of tombstones, for a service's own schema. It holds counts, nothing else."""
    return Table(
        "erased_user",
        metadata,
        Column("user_id", BigInteger, primary_key=True, autoincrement=False),
        Column("request_id", Text, nullable=False),
        Column("erased_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        # What was removed so far, by category.
        Column("removed", JSONB, nullable=False, server_default=text("'{}'")),
        Column("corrected", JSONB, nullable=False, server_default=text("'{}'")),
        Column("finished_at", DateTime(timezone=True)),
    )


# What becomes of an erased user's new row: the statement fails, or goes on without it.
REFUSE = f"RAISE EXCEPTION 'the account is erased' USING ERRCODE = '{ERASED}'"
SKIP = "RETURN NULL"


def guard_statements(
    schema: str, tables: Iterable[str], *, column: str = "user_id", verb: str = "refuse", then: str = REFUSE
) -> list[str]:
    """Returns what makes a trigger for each table; `column` has the user's number."""
    triggers = [
        f"CREATE TRIGGER {verb}_erased BEFORE INSERT ON {schema}.{table}"
        f" FOR EACH ROW EXECUTE FUNCTION {schema}.{verb}_erased_{column}()"
        for table in tables
    ]
    return [_function(schema, column, verb, then), *triggers]


def unguard_statements(
    schema: str, tables: Iterable[str], *, column: str = "user_id", verb: str = "refuse"
) -> list[str]:
    """Returns what takes these triggers away."""
    triggers = [f"DROP TRIGGER {verb}_erased ON {schema}.{table}" for table in tables]
    return [*triggers, f"DROP FUNCTION {schema}.{verb}_erased_{column}()"]


def _function(schema: str, column: str, verb: str, then: str) -> str:
    # Each statement of a volatile function sees what was committed before it
    # began: the look for the tombstone comes after the wait for the lock.
    return f"""
        CREATE FUNCTION {schema}.{verb}_erased_{column}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(hashtextextended('{schema}.erased', NEW.{column}));
            IF EXISTS (SELECT FROM {schema}.erased_user WHERE user_id = NEW.{column}) THEN
                {then};
            END IF;
            RETURN NEW;
        END $$
    """


class Tombstones:
    """The statements of tombstones, on one connection; the caller commits."""

    def __init__(self, connection: AsyncConnection, table: Table) -> None:
        self._connection = connection
        self._table = table

    async def place(self, user_id: int, request_id: str) -> bool:
        """Writes a user's tombstone once nothing of theirs is under way.

        Returns whether the request is a new one, whose counts begin at none.
        """
        table = self._table
        lock = func.pg_advisory_xact_lock(func.hashtextextended(f"{table.schema}.erased", user_id))
        await self._connection.execute(select(lock))
        found = (await self._connection.execute(self._of(user_id))).first()
        if found is not None and found.request_id == request_id:
            return False
        fresh: dict[str, Any] = {"request_id": request_id, "removed": {}, "corrected": {}}
        fresh["finished_at"] = None
        placed = insert(table).values(user_id=user_id, **fresh)
        await self._connection.execute(placed.on_conflict_do_update(index_elements=["user_id"], set_=fresh))
        return True

    async def hold(self, user_id: int) -> None:
        """Keeps a user's tombstone from everybody else until the commit.

        Of two who empty the same category, the second finds what the first left,
        and so takes an empty category for nothing but that.
        """
        await self._connection.execute(self._of(user_id).with_for_update())

    async def report(self, user_id: int) -> Report | None:
        """Returns the report of a user's erasure, None while it goes on."""
        row = (await self._connection.execute(self._of(user_id))).one()
        return Report(row.removed, row.corrected) if row.finished_at else None

    async def add(self, user_id: int, removed: dict[str, int], corrected: dict[str, int]) -> None:
        """Adds counts to the report, in the transaction that removes what they count."""
        row = (await self._connection.execute(self._of(user_id).with_for_update())).one()
        counts = {"removed": _sums(row.removed, removed), "corrected": _sums(row.corrected, corrected)}
        await self._connection.execute(
            self._table.update().where(self._table.c.user_id == user_id).values(**counts)
        )

    async def finish(self, user_id: int) -> Report:
        """Closes the report."""
        finished = self._table.update().where(self._table.c.user_id == user_id).values(finished_at=func.now())
        row = (await self._connection.execute(finished.returning(self._table))).one()
        return Report(row.removed, row.corrected)

    def _of(self, user_id: int) -> Select[Any]:
        return select(self._table).where(self._table.c.user_id == user_id)


def _sums(before: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    return {name: before.get(name, 0) + more.get(name, 0) for name in {**before, **more}}
