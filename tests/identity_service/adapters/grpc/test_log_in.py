"""Getting tokens, and how often one may guess."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from statistics import median
from typing import Any

import grpc
import jwt
import psycopg
import pytest
from practice.identity.v1 import identity_service_pb2 as pb

from service_kit.tokens import TokenVerifier
from tests.grpc_errors import outcome, refusal
from tests.identity_service.conftest import (
    HASHED_IN_EARNEST,
    PASSWORD,
    Clock,
    Person,
    Serve,
    Stub,
    new_email,
)
from tests.tokens import ISSUER, TestTokens


def log_in(stub: Stub, email: str, password: str = PASSWORD, address: str | None = None) -> Awaitable[Any]:
    metadata = (("x-practice-client-address", address),) if address else ()
    return stub.LogIn(pb.LogInRequest(email=email, password=password), metadata=metadata)


@pytest.fixture
async def strict(serve: Serve) -> AsyncIterator[Stub]:
    """The service with limits that are soon reached."""
    async with serve(log_in_failures_per_account=3, log_in_attempts_per_address=5) as stub:
        yield stub


@pytest.fixture
def address() -> str:
    """An address nobody else counts on."""
    return f"client of {new_email()}"


async def test_a_log_in_gives_an_access_token_that_services_accept(
    identity: Stub, person: Person, tokens: TestTokens
) -> None:
    pair = await log_in(identity, person.email.upper())

    assert (pair.token_type, pair.expires_in) == ("bearer", 24 * 3600)
    assert pair.account == person.account
    header, claims = (
        jwt.get_unverified_header(pair.access_token),
        jwt.decode(pair.access_token, options={"verify_signature": False}),
    )
    assert (header["alg"], header["kid"]) == ("EdDSA", tokens.key_id)
    assert claims["exp"] - claims["iat"] == 24 * 3600
    assert claims["jti"]
    verified = await TokenVerifier(tokens.jwks_uri, ISSUER).verify(pair.access_token)
    assert (verified.user_id, verified.email) == (person.account.user_id, person.email)


async def test_a_wrong_password_and_an_unknown_user_look_the_same(identity: Stub, person: Person) -> None:
    wrong = await refusal(log_in(identity, person.email, "wrong password"))
    unknown = await refusal(log_in(identity, new_email(), "wrong password"))

    assert (wrong.code, wrong.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_INVALID")
    assert (unknown.code, unknown.reason, unknown.message) == (wrong.code, wrong.reason, wrong.message)
    assert unknown.metadata == wrong.metadata == {}


async def test_a_wrong_password_and_an_unknown_user_take_the_same(serve: Serve) -> None:
    known = new_email()
    async with serve(**HASHED_IN_EARNEST) as stub:
        await stub.SignUp(pb.SignUpRequest(first_name="Ana", email=known, password=PASSWORD))

        async def work(email: str) -> float:
            # What this process computes; how long that takes depends on what others do.
            began = time.process_time()
            await outcome(log_in(stub, email, "wrong password"))
            return time.process_time() - began

        pairs = [(await work(known), await work(new_email())) for _ in range(7)]

    hashed, decoyed = (median(each) for each in zip(*pairs, strict=True))
    # Without the hash an unknown user would be answered many times faster.
    assert 0.5 < decoyed / hashed < 2


async def test_a_composed_and_a_decomposed_accent_are_the_same_password(identity: Stub) -> None:
    email = new_email()
    await identity.SignUp(pb.SignUpRequest(first_name="Zoé", email=email, password="caf\u00e9 con leche"))

    assert (await log_in(identity, email, "cafe\u0301 con leche")).access_token


async def test_of_guesses_at_the_same_time_exactly_the_limit_is_judged(strict: Stub) -> None:
    email = new_email()
    await strict.SignUp(pb.SignUpRequest(first_name="Ana", email=email, password=PASSWORD))

    outcomes = await asyncio.gather(
        *(
            outcome(log_in(strict, email, f"guess {number}", address=f"from {email} {number}"))
            for number in range(8)
        )
    )

    assert Counter(result.reason for result in outcomes) == {"CREDENTIALS_INVALID": 3, "RATE_LIMITED": 5}
    locked = await refusal(log_in(strict, email, address=f"owner of {email}"))
    assert (locked.code, locked.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")


async def test_whoever_fails_from_one_address_locks_nobody_out_from_another(
    serve: Serve, address: str
) -> None:
    email = new_email()
    async with serve(log_in_failures_per_account_and_address=3) as stub:
        await stub.SignUp(pb.SignUpRequest(first_name="Ana", email=email, password=PASSWORD))
        outcomes = await asyncio.gather(
            *(outcome(log_in(stub, email, f"guess {number}", address)) for number in range(6))
        )

        assert Counter(result.reason for result in outcomes) == {"CREDENTIALS_INVALID": 3, "RATE_LIMITED": 3}
        assert (await refusal(log_in(stub, email, address=address))).reason == "RATE_LIMITED"
        assert (await log_in(stub, email, address=f"owner of {email}")).access_token
        # Nor out of another account from the same address.
        other = await refusal(log_in(stub, new_email(), address=address))
        assert other.reason == "CREDENTIALS_INVALID"


async def test_by_default_an_account_takes_ten_failures_from_an_address_and_a_hundred_in_all(
    identity: Stub,
) -> None:
    email, reasons = new_email(), []
    for number in range(111):
        refused = await refusal(log_in(identity, email, "guess", address=f"{email} {number // 11}"))
        reasons.append(refused.reason)

    assert reasons[:100] == (["CREDENTIALS_INVALID"] * 10 + ["RATE_LIMITED"]) * 9 + ["CREDENTIALS_INVALID"]
    assert Counter(reasons)["CREDENTIALS_INVALID"] == 100
    assert (await refusal(log_in(identity, email, address=f"owner of {email}"))).reason == "RATE_LIMITED"


async def test_right_passwords_at_the_same_time_never_lock_an_account(strict: Stub) -> None:
    email = new_email()
    await strict.SignUp(pb.SignUpRequest(first_name="Ana", email=email, password=PASSWORD))

    pairs = await asyncio.gather(
        *(log_in(strict, email, address=f"from {email} {number}") for number in range(6))
    )

    assert len({pair.refresh_token for pair in pairs}) == 6


async def test_a_locked_account_opens_when_the_first_failure_is_out_of_the_window(
    strict: Stub, clock: Clock
) -> None:
    email = new_email()
    await strict.SignUp(pb.SignUpRequest(first_name="Ana", email=email, password=PASSWORD))
    for minute in range(3):
        await refusal(log_in(strict, email, "wrong password", f"{email} {minute}"))
        clock.advance(minutes=1)

    locked = await refusal(log_in(strict, email, address=f"{email} 3"))
    assert locked.reason == "RATE_LIMITED"
    assert locked.metadata["limit"] == "3"
    assert 11 * 60 < int(locked.metadata["retry_after"]) <= 12 * 60

    clock.advance(seconds=int(locked.metadata["retry_after"]))
    assert (await log_in(strict, email, address=f"{email} 4")).access_token
    # The log-in that succeeded took none of the failures back: the second and third still count.
    assert (
        await refusal(log_in(strict, email, "wrong password", f"{email} 5"))
    ).reason == "CREDENTIALS_INVALID"
    assert (await refusal(log_in(strict, email, address=f"{email} 6"))).reason == "RATE_LIMITED"


async def test_an_email_without_an_account_locks_like_one_with(strict: Stub, address: str) -> None:
    email = new_email()

    reasons = [(await refusal(log_in(strict, email, "wrong password", address))).reason for _ in range(4)]

    assert reasons == ["CREDENTIALS_INVALID"] * 3 + ["RATE_LIMITED"]


async def test_a_lock_survives_a_restart(serve: Serve) -> None:
    email = new_email()
    async with serve(log_in_failures_per_account=1) as before:
        await refusal(log_in(before, email, "wrong password"))

    async with serve(log_in_failures_per_account=1) as after:
        assert (await refusal(log_in(after, email, "wrong password"))).reason == "RATE_LIMITED"


async def test_an_address_may_try_so_often_in_a_minute_whoever_it_tries(
    strict: Stub, clock: Clock, address: str
) -> None:
    outcomes = await asyncio.gather(
        *(outcome(log_in(strict, new_email(), address=address)) for _ in range(8))
    )

    assert Counter(result.reason for result in outcomes) == {"CREDENTIALS_INVALID": 5, "RATE_LIMITED": 3}
    limited = next(result for result in outcomes if result.reason == "RATE_LIMITED")
    assert 0 < int(limited.metadata["retry_after"]) <= 60
    elsewhere = await refusal(log_in(strict, new_email(), address=f"not {address}"))
    assert elsewhere.reason == "CREDENTIALS_INVALID"

    clock.advance(seconds=61)
    again = await refusal(log_in(strict, new_email(), address=address))
    assert again.reason == "CREDENTIALS_INVALID"


async def test_no_password_and_no_token_reaches_the_log(
    log_lines: Callable[[], list[str]], serve: Serve, fresh_database_url: str
) -> None:
    email, wrong, new = new_email(), "a wrong password", "a new password"
    async with serve(database_url=fresh_database_url) as stub:
        await stub.SignUp(pb.SignUpRequest(first_name="Ana", email=email, password=PASSWORD, request_id="k"))
        pair = await log_in(stub, email)
        metadata = (("authorization", f"Bearer {pair.access_token}"),)
        await refusal(log_in(stub, email, wrong))
        with psycopg.connect(fresh_database_url) as connection:
            connection.execute("DROP TABLE identity.refresh_tokens")
        change = pb.ChangePasswordRequest(current_password=PASSWORD, new_password=new)
        for call in (
            stub.ChangePassword(change, metadata=metadata),
            log_in(stub, email),
            stub.RefreshAccessToken(pb.RefreshAccessTokenRequest(refresh_token=pair.refresh_token)),
        ):
            assert (await refusal(call)).reason == "INTERNAL"

    logged = "".join(log_lines())
    assert logged.count("unexpected_error") == 3
    for secret in (PASSWORD, wrong, new, pair.access_token, pair.refresh_token, "$argon2id$"):
        assert secret not in logged
