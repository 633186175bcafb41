"""People are forgotten, by identity itself and by the services it asks."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from practice.identity.v1 import identity_service_pb2 as identity_pb
from practice.identity.v1 import identity_service_pb2_grpc as identity_rpc
from practice.identity.v1 import privacy_service_pb2 as pb
from practice.identity.v1 import privacy_service_pb2_grpc as rpc
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from identity_service.adapters.db import tables
from tests.grpc_errors import refusal
from tests.identity_service.adapters.grpc.privacy.clients import (
    PersonalDataServices,
    erase_me,
)
from tests.identity_service.conftest import PASSWORD, Person, new_email
from tests.personal_data import rows_of


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
