"""Erasures at the same time as something else, and with services that are away."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from practice.identity.v1 import identity_service_pb2 as identity_pb
from practice.identity.v1 import identity_service_pb2_grpc as identity_rpc
from practice.identity.v1 import privacy_service_pb2_grpc as rpc
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.servers import free_port
from identity_service.adapters.db import tables
from identity_service.domain.attempts import account_subject
from tests.databases import lock_waiters
from tests.identity_service.adapters.grpc.privacy.clients import (
    PersonalDataServices,
    erase_me,
    until_complete,
)
from tests.identity_service.adapters.grpc.privacy.personal_data_services import (
    serving_personal_data,
)
from tests.identity_service.conftest import Connect, Person
from tests.personal_data import rows_of
from tests.waiting import PATIENCE_SECONDS


async def test_two_erasures_at_once_are_one_and_both_get_its_receipt(
    privacy: rpc.PrivacyServiceAsyncStub,
    others: PersonalDataServices,
    person: Person,
    engine: AsyncEngine,
    database_url: str,
) -> None:
    async with engine.connect() as connection:
        # Nobody gives a verdict before both have looked for an account and an erasure.
        failures = select(tables.attempts).where(tables.attempts.c.subject == account_subject(person.email))
        await connection.execute(failures.with_for_update())
        asked = [asyncio.ensure_future(erase_me(privacy, person)) for _ in range(2)]
        await lock_waiters(database_url, 2)
        await connection.rollback()
    receipts = await asyncio.gather(*asked)

    assert len({receipt.receipt_id for receipt in receipts}) == 1
    assert len({request_id for other in others.values() for _, request_id in other.erased}) == 1


async def test_a_log_out_under_way_is_done_before_its_account_is_erased(
    privacy: rpc.PrivacyServiceAsyncStub,
    identity: identity_rpc.IdentityServiceAsyncStub,
    others: PersonalDataServices,
    person: Person,
    engine: AsyncEngine,
    database_url: str,
) -> None:
    key, user_id = str(uuid.uuid4()), person.account.user_id
    async with engine.connect() as connection:
        # The log-out waits where it writes down its key.
        claim = {"user_id": user_id, "key": key, "method": "x", "request_digest": b"x"}
        await connection.execute(insert(tables.idempotency).values(**claim))
        keyed = (*person.metadata, ("idempotency-key", key))
        leaving = asyncio.ensure_future(identity.LogOut(identity_pb.LogOutRequest(), metadata=keyed))
        await lock_waiters(database_url, 1)
        erasing = asyncio.ensure_future(erase_me(privacy, person))
        await lock_waiters(database_url, 2)
        await connection.rollback()

    await leaving
    receipt = await erasing
    assert [each.count for each in receipt.services[1].removed if each.category == "requests"] == [1]
    assert rows_of(database_url, user_id, "identity") == {}


async def test_a_service_that_is_away_forgets_later(
    connect: Connect,
    others: PersonalDataServices,
    person: Person,
    internal: Any,
    internal_token: str,
    clock: Any,
) -> None:
    port = free_port()
    async with connect(stats_address=f"127.0.0.1:{port}", erasure_retry_seconds=0.05) as channel:
        receipt = await erase_me(rpc.PrivacyServiceStub(channel), person)

        assert not receipt.complete
        assert not receipt.document
        assert [each.service for each in receipt.services if not each.complete] == ["stats"]
        async with serving_personal_data("stats", internal_token, port) as (stats, _):
            clock.advance(seconds=20)
            admin = rpc.PrivacyAdminServiceStub(channel)
            later = await until_complete(admin, receipt.receipt_id, internal)

            # Those whom other tests left unfinished are forgotten now, too.
            assert stats.erased.count((person.account.user_id, receipt.receipt_id)) == 1
    assert [each.complete for each in later.services] == [True] * 4
    assert others["session"].erased.count((person.account.user_id, receipt.receipt_id)) == 1


async def test_a_service_that_restarts_carries_on_what_it_had_begun(
    connect: Connect, others: PersonalDataServices, person: Person, internal: Any, clock: Any
) -> None:
    others["stats"].answering.clear()
    async with connect() as channel:
        asking = asyncio.ensure_future(erase_me(rpc.PrivacyServiceStub(channel), person))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not others["session"].erased:
                await asyncio.sleep(0.01)
    await asyncio.gather(asking, return_exceptions=True)

    others["stats"].answering.set()
    clock.advance(seconds=20)
    async with connect(erasure_retry_seconds=0.05) as channel:
        receipt_id = others["session"].erased[0][1]
        receipt = await until_complete(rpc.PrivacyAdminServiceStub(channel), receipt_id, internal)
    assert receipt.account_number == person.account.user_id
