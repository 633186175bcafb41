"""People get all of their data, from identity itself and from the services it asks."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

import grpc
import pytest
from practice.identity.v1 import privacy_service_pb2 as pb
from practice.identity.v1 import privacy_service_pb2_grpc as rpc
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.servers import free_port
from identity_service.adapters.db import tables
from tests.grpc_errors import refusal
from tests.identity_service.adapters.grpc.privacy.clients import (
    OTHERS,
    PersonalDataServices,
    archive,
)
from tests.identity_service.conftest import PASSWORD, Connect, Person


async def test_the_archive_has_the_files_of_every_service_and_a_manifest(
    privacy: rpc.PrivacyServiceAsyncStub, others: PersonalDataServices, person: Person
) -> None:
    packed = await archive(privacy.ExportMyData(pb.ExportMyDataRequest(), metadata=person.metadata))

    manifest = json.loads(packed.read("manifest.json"))
    assert manifest["account_number"] == person.account.user_id
    assert [each["name"] for each in manifest["files"]] == packed.namelist()[:-1]
    assert packed.namelist()[:2] == ["README.txt", "identity/README.txt"]
    for each in manifest["files"]:
        content = packed.read(each["name"])
        assert (each["bytes"], each["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    rows = {each["name"]: each["rows"] for each in manifest["files"]}
    assert {name: n for name, n in rows.items() if name.endswith(".json")} == {
        "identity/log_ins.json": 1,
        "identity/log_in_failures.json": 1,
        "identity/requests.json": 0,
        "identity/account.json": 1,
        **{f"{name}/things.json": 1 for name in OTHERS},
    }
    (account,) = json.loads(packed.read("identity/account.json"))
    assert account["email"] == person.email
    for name in OTHERS:
        assert json.loads(packed.read(f"{name}/things.json")) == [{"user_id": person.account.user_id}]


async def test_no_secret_is_in_the_archive(
    privacy: rpc.PrivacyServiceAsyncStub, others: PersonalDataServices, person: Person, engine: AsyncEngine
) -> None:
    packed = await archive(privacy.ExportMyData(pb.ExportMyDataRequest(), metadata=person.metadata))
    everything = b"".join(packed.read(name) for name in packed.namelist())

    mine = tables.accounts.c.user_id == person.account.user_id
    async with engine.connect() as connection:
        password_hash = (
            await connection.execute(select(tables.accounts.c.password_hash).where(mine))
        ).scalar()
    for secret in (str(password_hash), "argon2", person.tokens.refresh_token, "digest", PASSWORD):
        assert secret.encode() not in everything


async def test_without_one_of_the_services_nothing_is_exported(
    connect: Connect, person: Person, others: PersonalDataServices
) -> None:
    async with connect(stats_address=f"127.0.0.1:{free_port()}") as channel:
        stream = rpc.PrivacyServiceStub(channel).ExportMyData(
            pb.ExportMyDataRequest(), metadata=person.metadata
        )
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            async for _ in stream:
                pass
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_an_archive_that_breaks_off_has_no_manifest(
    privacy: rpc.PrivacyServiceAsyncStub, person: Person, others: PersonalDataServices
) -> None:
    others["stats"].breaks_off = True
    received = b""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        async for piece in privacy.ExportMyData(pb.ExportMyDataRequest(), metadata=person.metadata):
            received += piece.data
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert b"manifest.json" not in received


async def test_an_operator_exports_and_erases_without_a_password(
    admin: rpc.PrivacyAdminServiceAsyncStub, others: PersonalDataServices, person: Person, internal: Any
) -> None:
    user_id = person.account.user_id
    packed = await archive(admin.ExportAccount(pb.ExportAccountRequest(user_id=user_id), metadata=internal))
    assert "identity/account.json" in packed.namelist()

    receipts = [
        await admin.EraseAccount(pb.EraseAccountRequest(user_id=user_id), metadata=internal) for _ in range(2)
    ]
    assert receipts[0] == receipts[1]
    assert receipts[0].complete

    gone = admin.EraseAccount(pb.EraseAccountRequest(user_id=2**50), metadata=internal)
    assert (await refusal(gone)).reason == "ACCOUNT_NOT_FOUND"
    unknown = pb.GetErasureReceiptRequest(receipt_id=str(uuid.uuid4()))
    assert (await refusal(admin.GetErasureReceipt(unknown, metadata=internal))).reason == "RECEIPT_NOT_FOUND"


async def test_what_operators_may_is_for_operators_alone(
    admin: rpc.PrivacyAdminServiceAsyncStub, others: PersonalDataServices, person: Person
) -> None:
    for metadata in ((), person.metadata):
        erase = admin.EraseAccount(pb.EraseAccountRequest(user_id=1), metadata=metadata)
        assert (await refusal(erase)).reason == "NOT_PERMITTED"
