"""How PostgreSQL goes about a statement, and what a read sends to it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

Statement = tuple[str, tuple[Any, ...]]
Read = Callable[[], Awaitable[object]]


async def statements_of(engine: AsyncEngine, read: Read) -> list[Statement]:
    """Returns what a read executes on an engine, with its parameters."""
    seen: list[Statement] = []

    def see(_connection: object, _cursor: object, sql: str, parameters: Any, *_: object) -> None:
        seen.append((sql, tuple(parameters)))

    event.listen(engine.sync_engine, "before_cursor_execute", see)
    try:
        await read()
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", see)
    assert seen, "nothing was read"
    return seen


async def round_trips_of(engine: AsyncEngine, read: Read) -> list[str]:
    """Returns all that a read sends on the one connection of an engine, transactions as well.

    Done once before, it has sent what is to be prepared and remembered.
    """
    await read()
    # The driver logs what begins and ends transactions, and no prepared statement.
    sent: list[str] = []
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
    logger = lambda record: sent.append(record.query)  # noqa: E731
    driver.add_query_logger(logger)
    try:
        statements = await statements_of(engine, read)
    finally:
        driver.remove_query_logger(logger)
    return [*sent, *(sql for sql, _ in statements)]


async def faults_of_plan(
    connection: AsyncConnection, statement: Statement, growing: Collection[str]
) -> list[str]:
    """Returns where a statement reads a table that grows from its beginning to its end."""
    sql, parameters = statement
    explained = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
    found = explained.scalar_one()
    return faults_in((json.loads(found) if isinstance(found, str) else found)[0]["Plan"], growing)


def faults_in(plan: Mapping[str, Any], growing: Collection[str]) -> list[str]:
    """Returns where a plan reads a table that grows from its beginning to its end."""
    return [
        f"{node['Node Type']} of {node['Relation Name']}"
        for node in _nodes(plan)
        if node.get("Relation Name") in growing and _reads_all(node)
    ]


async def rows_read_by(connection: AsyncConnection, statement: Statement) -> int:
    """Executes a statement and returns how many rows it reads of tables and indexes, and leaves out."""
    sql, parameters = statement
    explained = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
    found = explained.scalar_one()
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    seen = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    scans = [node for node in _nodes(plan) if "Relation Name" in node]
    rows: float = sum(node["Actual Loops"] * sum(node.get(name, 0) for name in seen) for node in scans)
    return round(rows)


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _reads_all(node: Mapping[str, Any]) -> bool:
    if node["Node Type"] in ("Index Scan", "Index Only Scan"):
        return "Index Cond" not in node
    # The bitmap is made by a node beneath, which has no relation; who writes has read beneath as well.
    return node["Node Type"] not in ("Bitmap Heap Scan", "ModifyTable")
