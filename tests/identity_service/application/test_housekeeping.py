"""Deleting what has no effect any more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from practice.identity.v1 import identity_service_pb2 as pb
from pydantic import ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from identity_service.adapters.db.tables import attempts, idempotency, refresh_tokens
from identity_service.settings import Settings
from service_kit.db.engines import open_async_engine
from tests.identity_service.conftest import PASSWORD, Clock, Serve
from tests.waiting import PATIENCE_SECONDS

TABLES = (attempts, refresh_tokens, idempotency)


async def counts(engine: AsyncEngine) -> list[int]:
    async with engine.connect() as connection:
        return [await connection.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


async def test_expired_rows_go_by_themselves_and_others_stay(
    serve: Serve, clock: Clock, fresh_database_url: str
) -> None:
    engine = open_async_engine(fresh_database_url, pool_size=2, application="test")
    credentials = {"email": "ana@example.com", "password": PASSWORD}
    async with serve(database_url=fresh_database_url, housekeeping_seconds=0.05) as stub:
        await stub.SignUp(pb.SignUpRequest(first_name="Ana", request_id="key", **credentials))
        await stub.LogIn(pb.LogInRequest(**credentials))
        assert (await counts(engine))[1:] == [1, 1]

        async with engine.begin() as connection:
            await connection.execute(
                update(idempotency).values(created_at=datetime.now(UTC) - timedelta(hours=73))
            )
        clock.advance(days=8)
        await stub.LogIn(pb.LogInRequest(**credentials))
        async with asyncio.timeout(PATIENCE_SECONDS):
            # What is left is the address just counted and the token just given.
            while await counts(engine) != [1, 1, 0]:
                await asyncio.sleep(0.02)
    await engine.dispose()


def test_the_service_that_publishes_keys_reads_them_from_a_file() -> None:
    with pytest.raises(ValidationError, match="file://"):
        Settings.model_validate(
            {
                "listen": "127.0.0.1:0",
                "database_url": "postgresql://",
                "internal_token_file": "token",
                "signing_key_file": "key",
                "jwks_uri": "https://example.com/jwks.json",
            }
        )
