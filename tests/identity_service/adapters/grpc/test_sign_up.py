"""Making accounts, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any

import grpc
import pytest
from practice.identity.v1 import account_pb2
from practice.identity.v1 import identity_service_pb2 as pb
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from identity_service.adapters.db.tables import accounts, idempotency
from tests.grpc_errors import Refusal, outcome, refusal
from tests.identity_service.conftest import PASSWORD, Clock, Serve, Stub, new_email


def request(**changes: Any) -> pb.SignUpRequest:
    fields = {"first_name": "Ana", "last_name": "Ruiz", "email": new_email(), "password": PASSWORD}
    return pb.SignUpRequest(**{**fields, **changes})


async def test_an_account_keeps_its_name_and_the_email_in_lower_case(identity: Stub) -> None:
    email = new_email()

    account = await identity.SignUp(request(email=email.upper(), first_name=" Ana ", last_name=""))

    assert account.name == f"accounts/{account.user_id}"
    assert account.user_id > 0
    assert (account.first_name, account.last_name, account.email) == ("Ana", "", email)
    assert account.HasField("create_time")


async def test_an_email_in_other_capitals_is_taken(identity: Stub) -> None:
    email = new_email()
    await identity.SignUp(request(email=email))

    refused = await refusal(identity.SignUp(request(email=email.title())))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "EMAIL_TAKEN")


async def test_an_address_may_sign_up_so_often_in_a_minute(serve: Serve, clock: Clock) -> None:
    def from_address(address: str, **changes: Any) -> Awaitable[Any]:
        return stub.SignUp(request(**changes), metadata=(("x-practice-client-address", address),))

    here, elsewhere = f"client of {new_email()}", f"client of {new_email()}"
    async with serve(sign_up_attempts_per_address=5) as stub:
        taken = new_email()
        await from_address(here, email=taken)
        # To ask who has an account counts like any other.
        outcomes = await asyncio.gather(*(outcome(from_address(here, email=taken)) for _ in range(8)))

        assert Counter(each.reason for each in outcomes) == {"EMAIL_TAKEN": 4, "RATE_LIMITED": 4}
        limited = await refusal(from_address(here))
        assert (limited.code, limited.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
        assert 0 < int(limited.metadata["retry_after"]) <= 60
        assert (await from_address(elsewhere)).user_id
        # Nor do sign-ups keep anybody from logging in.
        logged_in = pb.LogInRequest(email=taken, password=PASSWORD)
        metadata = (("x-practice-client-address", here),)
        assert (await stub.LogIn(logged_in, metadata=metadata)).access_token
        clock.advance(seconds=61)
        assert (await from_address(here)).user_id


@pytest.mark.parametrize(
    "password", ["12345678", "PASSWORD", " password1", "qwertyuiop", "88888888", "\u3164" * 8, " " * 8]
)
async def test_a_password_that_is_guessed_first_is_refused(identity: Stub, password: str) -> None:
    refused = await refusal(identity.SignUp(request(password=password)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PASSWORD_TOO_COMMON")
    assert refused.metadata == {"field": "password"}
    assert password not in refused.message


async def test_an_email_is_no_password(identity: Stub) -> None:
    email = new_email()

    for password in (email, email.upper(), email.partition("@")[0]):
        refused = await refusal(identity.SignUp(request(email=email, password=password.ljust(8))))
        assert refused.reason == "PASSWORD_TOO_COMMON"


async def test_of_sign_ups_at_the_same_time_with_one_email_one_wins(identity: Stub) -> None:
    email = new_email()

    outcomes = await asyncio.gather(*(outcome(identity.SignUp(request(email=email))) for _ in range(4)))

    made = [result for result in outcomes if isinstance(result, account_pb2.Account)]
    refused = [result.reason for result in outcomes if isinstance(result, Refusal)]
    assert len(made) == 1
    assert refused == ["EMAIL_TAKEN"] * 3


async def test_repeats_at_the_same_time_with_one_key_make_one_account(
    identity: Stub, engine: AsyncEngine
) -> None:
    wanted = request(request_id=f"key of {new_email()}")

    first, *others = await asyncio.gather(*(identity.SignUp(wanted) for _ in range(4)))

    assert others == [first] * 3
    async with engine.connect() as connection:
        count = select(func.count()).where(accounts.c.email == wanted.email)
        assert await connection.scalar(count) == 1


async def test_a_repeat_with_the_key_in_the_header_gets_the_first_answer(identity: Stub) -> None:
    wanted = request()
    metadata = (("idempotency-key", f"key of {wanted.email}"),)

    first = await identity.SignUp(wanted, metadata=metadata)

    assert await identity.SignUp(wanted, metadata=metadata) == first


@pytest.mark.parametrize("change", [{"password": "another password"}, {"email": "stranger@example.com"}])
async def test_a_key_with_another_request_is_refused_and_shows_nothing(
    identity: Stub, change: dict[str, str]
) -> None:
    first = request(request_id=f"key of {new_email()}")
    account = await identity.SignUp(first)
    second = pb.SignUpRequest()
    second.CopyFrom(first)
    second.MergeFrom(pb.SignUpRequest(**change))

    refused = await refusal(identity.SignUp(second))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")
    assert account.email not in refused.message + str(refused.metadata).replace(first.request_id, "")


async def test_a_sign_up_that_was_refused_leaves_its_key_free(identity: Stub) -> None:
    taken, key = new_email(), f"key of {new_email()}"
    await identity.SignUp(request(email=taken))
    refused = await refusal(identity.SignUp(request(email=taken, request_id=key)))
    assert refused.reason == "EMAIL_TAKEN"

    account = await identity.SignUp(request(request_id=key))

    assert account.user_id > 0


async def test_the_idempotency_record_holds_nothing_to_try_passwords_on(
    identity: Stub, engine: AsyncEngine
) -> None:
    wanted = request(request_id=f"key of {new_email()}")
    await identity.SignUp(wanted)

    async with engine.connect() as connection:
        query = select(idempotency).where(idempotency.c.key == wanted.request_id)
        row = (await connection.execute(query)).one()

    assert PASSWORD not in str(row.outcome)
    # Whoever reads the table can compute every plain digest of a guess, but not this one.
    assert row.request_digest not in plain_digests(wanted)


def plain_digests(wanted: pb.SignUpRequest) -> set[bytes]:
    import hashlib

    bare = pb.SignUpRequest()
    bare.CopyFrom(wanted)
    bare.ClearField("request_id")
    texts = (bare.SerializeToString(deterministic=True), wanted.SerializeToString(deterministic=True))
    return {hashlib.sha256(text).digest() for text in texts}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_name", ""),
        ("first_name", "   "),
        ("first_name", "A\0na"),
        ("last_name", "Ru\niz"),
        ("email", "nobody"),
        ("email", "a" * 250 + "@example.com"),
        ("password", "1234567"),
        ("password", "x" * 129),
    ],
)
async def test_a_field_outside_its_rules_is_refused(identity: Stub, field: str, value: str) -> None:
    refused = await refusal(identity.SignUp(request(**{field: value})))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert refused.metadata["field"] == field
    assert value not in ("", "   ") or refused.message
