"""A process that is killed between combining calls and their commit has acknowledged none of them."""

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
    " AND application_name = 'session-combined' AND wait_event_type = 'Lock'"
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
            stub = rpc.SessionServiceStub(channel)
            # Ends are combined of those of whom something is known.
            learners = [
                Learner(stub, tokens.bearer(new_user())).with_metadata(x_time_zone="Asia/Tokyo")
                for _ in range(16)
            ]
            names = [(await learner.start()).name for learner in learners]
            async with engine.connect() as holder:
                await holder.execute(text("LOCK TABLE session.journal IN SHARE MODE"))
                each = list(zip(learners, names, strict=True))
                calls = asyncio.gather(
                    *(learner.answer(name, "hable") for learner, name in each[:8]),
                    *(learner.call("CompleteSession", name=name) for learner, name in each[8:]),
                    return_exceptions=True,
                )
                async with engine.connect() as look:
                    await look.execution_options(isolation_level="AUTOCOMMIT")

                    async def combined() -> bool:
                        return bool((await look.execute(WAITING)).scalar_one() == 2)

                    await until(combined)
                service.kill()
                outcomes = await calls
    assert {type(outcome) for outcome in outcomes} == {grpc.aio.AioRpcError}

    numbers = [int(name.removeprefix("sessions/")) for name in names]
    session, outbox = tables.practice_session.c, tables.outbox.c
    stored = select(
        func.sum(session.answer_count), func.sum(session.version - 1), func.count(session.ended_at)
    ).where(session.id.in_(numbers))
    rows = (
        select(func.count()).where(tables.answer.c.session_id.in_(numbers)),
        select(func.count()).where(tables.journal.c.session_id.in_(numbers)),
        select(func.count()).where(outbox.aggregate_id.in_(numbers), outbox.kind == "session_ended"),
    )
    async with engine.connect() as connection:
        told = (await connection.execute(stored)).one()
        assert [(await connection.execute(each)).scalar_one() for each in rows] == list(told)
