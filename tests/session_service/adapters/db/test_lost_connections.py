"""Connections that the database ended are replaced, and no call hears of it."""

from __future__ import annotations

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.session_service.clients import Learner

END_ALL = text(
    "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'session%'"
)


async def test_no_call_fails_when_all_connections_are_ended(learner: Learner, engine: AsyncEngine) -> None:
    opened = [await learner.start() for _ in range(8)]
    for round_number in range(3):
        answered = await asyncio.gather(*(learner.answer(each.name, "hable") for each in opened))
        assert [each.session.answer_count for each in answered] == [round_number + 1] * 8
        read = await asyncio.gather(*(learner.call("GetSession", name=each.name) for each in opened))
        assert len(read) == 8
        async with engine.connect() as connection:
            assert (await connection.execute(END_ALL)).scalar_one() > 0
