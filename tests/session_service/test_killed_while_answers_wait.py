"""A process that is killed between combining answers and their commit has acknowledged none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from practice.session.v1 import session_service_pb2_grpc as rpc
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.servers import free_port
from session_service.adapters.db import tables
from tests.session_service.clients import Learner
from tests.session_service.processes import connected, running, until_serving
from tests.tokens import TestTokens
from tests.waiting import until

WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'session-answers' AND wait_event_type = 'Lock'"
)


async def test_what_was_not_committed_is_acknowledged_to_nobody(
    session_settings: dict[str, Any],
    tokens: TestTokens,
    new_user: Callable[[], int],
    engine: AsyncEngine,
    tmp_path: Path,
) -> None:
    settings = {**session_settings, "listen": f"127.0.0.1:{free_port()}"}
    process = running("session_service.main", settings, tmp_path / "log")
    with process as service:
        async with connected(settings["listen"]) as channel:
            await until_serving(channel)
            learners = [
                Learner(rpc.SessionServiceStub(channel), tokens.bearer(new_user())) for _ in range(16)
            ]
            names = [(await learner.start()).name for learner in learners]
            async with engine.connect() as holder:
                await holder.execute(text("LOCK TABLE session.journal IN SHARE MODE"))
                calls = asyncio.gather(
                    *(learner.answer(name, "hable") for learner, name in zip(learners, names, strict=True)),
                    return_exceptions=True,
                )
                async with engine.connect() as look:
                    await look.execution_options(isolation_level="AUTOCOMMIT")

                    async def combined() -> bool:
                        return bool((await look.execute(WAITING)).scalar_one())

                    await until(combined)
                service.kill()
                outcomes = await calls
    assert {type(outcome) for outcome in outcomes} == {grpc.aio.AioRpcError}

    numbers = [int(name.removeprefix("sessions/")) for name in names]
    session, answer, journal = tables.practice_session, tables.answer, tables.journal
    async with engine.connect() as connection:
        counts = select(func.coalesce(func.sum(session.c.answer_count), 0)).where(session.c.id.in_(numbers))
        told = (await connection.execute(counts)).scalar_one()
        for table in (answer, journal):
            rows = select(func.count()).select_from(table).where(table.c.session_id.in_(numbers))
            assert (await connection.execute(rows)).scalar_one() == told
