"""People get all of their data and are forgotten, by identity itself and by the services it asks."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from practice.identity.v1 import identity_service_pb2 as identity_pb
from practice.identity.v1 import identity_service_pb2_grpc as identity_rpc
from practice.identity.v1 import privacy_service_pb2 as pb
from practice.identity.v1 import privacy_service_pb2_grpc as rpc
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.servers import free_port
from identity_service.adapters.db import tables
from identity_service.domain.attempts import account_subject
from service_kit.grpc.guards import INTERNAL_KEY
from tests.databases import lock_waiters
from tests.grpc_errors import refusal
from tests.identity_service.conftest import PASSWORD, Connect, Person, new_email
from tests.identity_service.personal_data_services import FakePersonalDataService, serving_personal_data
from tests.personal_data import rows_of
from tests.waiting import PATIENCE_SECONDS

OTHERS = ("catalog", "session", "stats")
PersonalDataServices = dict[str, FakePersonalDataService]


@pytest.fixture
async def others_at(internal_token: str) -> AsyncIterator[dict[str, tuple[FakePersonalDataService, str]]]:
    async with AsyncExitStack() as running:
        yield {
            name: await running.enter_async_context(serving_personal_data(name, internal_token))
            for name in OTHERS
        }


@pytest.fixture
def others(others_at: dict[str, tuple[FakePersonalDataService, str]]) -> PersonalDataServices:
    """The other services by name."""
    return {name: other for name, (other, _) in others_at.items()}


@pytest.fixture
def identity_settings(
    identity_settings: dict[str, Any], others_at: dict[str, tuple[FakePersonalDataService, str]]
) -> dict[str, Any]:
    addresses = {f"{name}_address": address for name, (_, address) in others_at.items()}
    # Whoever means it to, finishes erasures.
    return {**identity_settings, **addresses, "erasure_retry_seconds": 3600}


@pytest.fixture
async def channel(connect: Connect) -> AsyncIterator[grpc.aio.Channel]:
    async with connect() as channel:
        yield channel


@pytest.fixture
def identity(channel: grpc.aio.Channel) -> identity_rpc.IdentityServiceAsyncStub:
    return identity_rpc.IdentityServiceStub(channel)


@pytest.fixture
def privacy(channel: grpc.aio.Channel) -> rpc.PrivacyServiceAsyncStub:
    return rpc.PrivacyServiceStub(channel)


@pytest.fixture
def admin(channel: grpc.aio.Channel) -> rpc.PrivacyAdminServiceAsyncStub:
    return rpc.PrivacyAdminServiceStub(channel)


@pytest.fixture
def internal(internal_token: str) -> tuple[tuple[str, str], ...]:
    return ((INTERNAL_KEY, internal_token),)


async def archive(call: Any) -> zipfile.ZipFile:
    pieces = [piece async for piece in call]
    assert pieces[0].content_type == "application/zip"
    packed = zipfile.ZipFile(io.BytesIO(b"".join(piece.data for piece in pieces)))
    assert packed.testzip() is None
    return packed


def erase_me(privacy: rpc.PrivacyServiceAsyncStub, person: Person, password: str = PASSWORD) -> Any:
    return privacy.EraseMe(pb.EraseMeRequest(password=password, confirm=True), metadata=person.metadata)


async def until_complete(
    admin: rpc.PrivacyAdminServiceAsyncStub, receipt_id: str, internal: Any
) -> pb.ErasureReceipt:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            request = pb.GetErasureReceiptRequest(receipt_id=receipt_id)
            receipt = await admin.GetErasureReceipt(request, metadata=internal)
            if receipt.complete:
                return receipt
            await asyncio.sleep(0.02)


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


async def test_an_erased_person_is_gone_everywhere_and_the_receipt_says_so(
    privacy: rpc.PrivacyServiceAsyncStub,
    admin: rpc.PrivacyAdminServiceAsyncStub,
    identity: identity_rpc.IdentityServiceAsyncStub,
    others: PersonalDataServices,
    person: Person,
    internal: Any,
    database_url: str,
) -> None:
    receipt = await erase_me(privacy, person)

    user_id = person.account.user_id
    assert receipt.complete
    assert receipt.account_number == user_id
    assert [each.service for each in receipt.services] == ["catalog", "identity", "session", "stats"]
    parts = {each.service: {r.category: r.count for r in each.removed} for each in receipt.services}
    assert parts["identity"] == {"account": 1, "log_in_failures": 2, "log_ins": 1, "requests": 0}
    assert parts["stats"] == {"things": 3}
    assert [(c.what, c.count) for c in receipt.services[3].corrected] == [("stats lists", 1)]
    for other in others.values():
        assert other.erased == [(user_id, receipt.receipt_id)]
    assert rows_of(database_url, user_id, "identity") == {}

    document = json.loads(receipt.document)
    assert receipt.sha256 == hashlib.sha256(receipt.document.encode()).hexdigest()
    assert document["services"]["session"]["removed"] == {"things": 3}
    assert json.dumps(document, sort_keys=True, separators=(",", ":")) == receipt.document
    assert person.email not in receipt.document

    shown = await admin.GetErasureReceipt(
        pb.GetErasureReceiptRequest(receipt_id=receipt.receipt_id), metadata=internal
    )
    assert shown == receipt
    log_in = identity_pb.LogInRequest(email=person.email, password=PASSWORD)
    assert (await refusal(identity.LogIn(log_in))).reason == "CREDENTIALS_INVALID"
    refresh = identity_pb.RefreshAccessTokenRequest(refresh_token=person.tokens.refresh_token)
    assert (await refusal(identity.RefreshAccessToken(refresh))).reason == "TOKEN_INVALID"
    me = identity.GetMe(identity_pb.GetMeRequest(), metadata=person.metadata)
    assert (await refusal(me)).reason == "TOKEN_INVALID"


async def test_a_wrong_password_changes_nothing_and_counts(
    privacy: rpc.PrivacyServiceAsyncStub,
    identity: identity_rpc.IdentityServiceAsyncStub,
    others: PersonalDataServices,
    person: Person,
) -> None:
    for _ in range(10):
        assert (await refusal(erase_me(privacy, person, "wrong"))).reason == "CREDENTIALS_INVALID"
    assert (await refusal(erase_me(privacy, person))).reason == "RATE_LIMITED"
    assert not any(other.erased for other in others.values())
    me = await identity.GetMe(identity_pb.GetMeRequest(), metadata=person.metadata)
    assert me == person.account


async def test_whoever_does_not_confirm_stays(
    privacy: rpc.PrivacyServiceAsyncStub, others: PersonalDataServices, person: Person
) -> None:
    unconfirmed = pb.EraseMeRequest(password=PASSWORD)
    refused = await refusal(privacy.EraseMe(unconfirmed, metadata=person.metadata))
    assert (refused.reason, refused.metadata["field"]) == ("FIELD_INVALID", "confirm")


async def test_the_token_of_an_erased_account_gets_the_receipt_again(
    privacy: rpc.PrivacyServiceAsyncStub, others: PersonalDataServices, person: Person
) -> None:
    first = await erase_me(privacy, person)
    assert await erase_me(privacy, person, "whatever") == first
    assert [len(other.erased) for other in others.values()] == [1, 1, 1]


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


async def test_the_record_of_a_sign_up_goes_with_the_account(
    privacy: rpc.PrivacyServiceAsyncStub,
    identity: identity_rpc.IdentityServiceAsyncStub,
    others: PersonalDataServices,
    engine: AsyncEngine,
    new_person: Callable[[], Awaitable[Person]],
) -> None:
    email = new_email()
    wanted = identity_pb.SignUpRequest(
        first_name="Ana", email=email, password=PASSWORD, request_id=str(uuid.uuid4())
    )
    account = await identity.SignUp(wanted)
    tokens = await identity.LogIn(identity_pb.LogInRequest(email=email, password=PASSWORD))
    person = Person(email, account, tokens)

    receipt = await erase_me(privacy, person)

    removed = {each.category: each.count for each in receipt.services[1].removed}
    assert removed["requests"] == 1
    outcomes = select(tables.idempotency.c.outcome).where(
        tables.idempotency.c.outcome.op("->>")("email") == email
    )
    async with engine.connect() as connection:
        assert (await connection.execute(outcomes)).all() == []


async def test_an_old_token_leaves_no_trace(
    privacy: rpc.PrivacyServiceAsyncStub,
    identity: identity_rpc.IdentityServiceAsyncStub,
    others: PersonalDataServices,
    person: Person,
    database_url: str,
) -> None:
    await erase_me(privacy, person)
    keyed = (*person.metadata, ("idempotency-key", str(uuid.uuid4())))

    assert (
        await refusal(identity.LogOut(identity_pb.LogOutRequest(), metadata=keyed))
    ).reason == "TOKEN_INVALID"
    change = identity_pb.ChangePasswordRequest(current_password=PASSWORD, new_password=PASSWORD)
    refused = await refusal(identity.ChangePassword(change, metadata=keyed))
    assert refused.reason == "TOKEN_INVALID"
    again = identity_pb.SignUpRequest(first_name="Ana", email=person.email, password=PASSWORD)
    account = await identity.SignUp(again, metadata=keyed)

    assert account.user_id != person.account.user_id
    assert rows_of(database_url, person.account.user_id, "identity") == {}
