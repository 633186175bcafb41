"""Checks whether the database takes writes: one with a full disk goes on answering reads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Who asks by another driver needs the statements alone.
    from sqlalchemy.ext.asyncio import AsyncEngine

# A record in the log that is flushed to disk and means nothing to anybody, and a file of some
# hundred kilobytes that is gone with the statement: what is full first shows first.
STATEMENTS = (
    "SELECT pg_logical_emit_message(true, 'practice.health', '')",
    "SELECT set_config('work_mem', '64kB', true)",
    "SELECT count(*) FROM generate_series(1, 20000)",
)
READ_ONLY = "SELECT current_setting('transaction_read_only')"


class UnwritableError(Exception):
    """The database takes no writes; the message says why."""


async def check_writable(engine: AsyncEngine, at_most_seconds: float = 5.0) -> None:
    """Writes something that leaves nothing behind. Raises UnwritableError."""
    try:
        async with asyncio.timeout(at_most_seconds), engine.begin() as connection:
            if (await connection.exec_driver_sql(READ_ONLY)).scalar() == "on":
                raise UnwritableError("it is read-only")
            for statement in STATEMENTS:
                await connection.exec_driver_sql(statement)
    except TimeoutError as error:
        raise UnwritableError(f"no answer within {at_most_seconds:.0f} s") from error
    except UnwritableError:
        raise
    except Exception as error:
        raise UnwritableError(str(getattr(error, "orig", None) or error).splitlines()[0]) from error
