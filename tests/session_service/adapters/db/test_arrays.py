"""Rows inserted by arrays are stored as they were given, whatever they have in common."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from session_service.adapters.db import tables
from session_service.adapters.db.arrays import ArrayInsert
from tests.session_service.database import Database

TABLE = tables.idempotency
NAMES = ["key", "user_id", "method", "request_digest", "outcome", "created_at"]
INSERT = ArrayInsert(TABLE, NAMES, computed={"created_at": ("interval", "now() - {}")}, returning="key")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def rows(user_id: int, *told: Sequence[Any]) -> list[Sequence[Any]]:
    return [(f"{place}", user_id, *each) for place, each in enumerate(told)]


@pytest.mark.parametrize(
    "told",
    [
        [("start", b"\0\xff", '{"a": [1.5, null]}', HOUR)],
        [("start", b"one", '{"a": 1}', HOUR)] * 3,
        [("start", b"one", None, HOUR), ("end", b"two", '"é"', DAY), ("end", b"", None, HOUR)],
        [("start", b"one", None, HOUR)] * 2,
    ],
    ids=["one", "all alike", "all different", "without a value"],
)
async def test_rows_are_stored_and_returned_in_their_order(
    database: Database, user_id: int, told: list[Sequence[Any]]
) -> None:
    given = rows(user_id, *told)
    async with database.engine.begin() as connection:
        returned = await INSERT(connection, given)
        stored = (
            await connection.execute(
                select(*(TABLE.c[name] for name in NAMES))
                .where(TABLE.c.user_id == user_id)
                .order_by(TABLE.c.key)
            )
        ).all()
    assert [row[0] for row in returned] == [row[0] for row in given]
    assert [tuple(row[:4]) for row in stored] == [tuple(row[:4]) for row in given]
    assert [row.outcome for row in stored] == [row[4] and json.loads(row[4]) for row in given]
    ages = [round((datetime.now(UTC) - row.created_at) / HOUR) for row in stored]
    assert ages == [round(row[5] / HOUR) for row in given]


async def test_no_row_asks_nothing(database: Database, user_id: int) -> None:
    async with database.engine.connect() as connection:
        assert await INSERT(connection, []) == []
        assert not connection.in_transaction()
