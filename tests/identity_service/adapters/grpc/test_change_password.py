"""Replacing a password."""

from __future__ import annotations

import asyncio
from collections import Counter

import grpc
import pytest
from practice.identity.v1 import identity_service_pb2 as pb

from tests.grpc_errors import Refusal, outcome, refusal
from tests.identity_service.conftest import PASSWORD, Person, Serve, Stub

NEW = "staple of the new kind"


def change(current: str = PASSWORD, new: str = NEW) -> pb.ChangePasswordRequest:
    return pb.ChangePasswordRequest(current_password=current, new_password=new)


def log_in(email: str, password: str) -> pb.LogInRequest:
    return pb.LogInRequest(email=email, password=password)


async def test_a_change_ends_the_old_password_and_every_refresh_token(identity: Stub, person: Person) -> None:
    await identity.ChangePassword(change(), metadata=person.metadata)

    old = await refusal(identity.LogIn(log_in(person.email, PASSWORD)))
    assert old.reason == "CREDENTIALS_INVALID"
    assert (await identity.LogIn(log_in(person.email, NEW))).access_token
    request = pb.RefreshAccessTokenRequest(refresh_token=person.tokens.refresh_token)
    assert (await refusal(identity.RefreshAccessToken(request))).reason == "TOKEN_INVALID"


async def test_a_change_needs_the_password_in_force(identity: Stub, person: Person) -> None:
    refused = await refusal(identity.ChangePassword(change("wrong password"), metadata=person.metadata))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_INVALID")
    assert (await identity.LogIn(log_in(person.email, PASSWORD))).access_token


async def test_a_session_may_guess_so_often_and_keeps_nobody_from_logging_in(
    serve: Serve, person: Person
) -> None:
    async with serve(log_in_failures_per_account_and_address=2, log_in_failures_per_account=2) as stub:
        outcomes = await asyncio.gather(
            *(
                outcome(stub.ChangePassword(change(f"guess {turn}"), metadata=person.metadata))
                for turn in range(5)
            )
        )
        locked = await refusal(stub.ChangePassword(change(), metadata=person.metadata))
        granted = await stub.LogIn(log_in(person.email, PASSWORD))

    assert Counter(each.reason for each in outcomes) == {"CREDENTIALS_INVALID": 2, "RATE_LIMITED": 3}
    assert (locked.code, locked.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert granted.access_token


async def test_a_session_changes_the_password_of_an_account_that_others_locked(
    serve: Serve, person: Person
) -> None:
    async with serve(log_in_failures_per_account_and_address=2, log_in_failures_per_account=3) as stub:
        for turn in range(3):
            metadata = (("x-practice-client-address", f"{person.email} {turn}"),)
            await refusal(stub.LogIn(log_in(person.email, "guess"), metadata=metadata))
        locked = await refusal(stub.LogIn(log_in(person.email, PASSWORD)))
        assert locked.reason == "RATE_LIMITED"

        await stub.ChangePassword(change(), metadata=person.metadata)

    async with serve() as later:
        assert (await later.LogIn(log_in(person.email, NEW))).access_token


@pytest.mark.parametrize("new", ["password1", "Sunshine", " 12345678 ", "zzzzzzzz", "        "])
async def test_no_password_is_one_that_anybody_tries_first(identity: Stub, person: Person, new: str) -> None:
    refused = await refusal(identity.ChangePassword(change(new=new), metadata=person.metadata))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PASSWORD_TOO_COMMON")
    assert refused.metadata == {"field": "new_password"}
    assert (await identity.LogIn(log_in(person.email, PASSWORD))).access_token


async def test_a_repeated_change_is_made_once_and_answered_again(identity: Stub, person: Person) -> None:
    metadata = (*person.metadata, ("idempotency-key", "change"))

    await asyncio.gather(*(identity.ChangePassword(change(), metadata=metadata) for _ in range(3)))
    await identity.ChangePassword(change(), metadata=metadata)

    assert (await identity.LogIn(log_in(person.email, NEW))).access_token
    other = await refusal(identity.ChangePassword(change(NEW, "yet another one"), metadata=metadata))
    assert other.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_a_change_that_was_refused_leaves_its_key_free(identity: Stub, person: Person) -> None:
    metadata = (*person.metadata, ("idempotency-key", "change"))
    for _ in range(2):
        refused = await refusal(identity.ChangePassword(change("wrong password"), metadata=metadata))
        assert refused.reason == "CREDENTIALS_INVALID"

    await identity.ChangePassword(change(), metadata=metadata)


async def test_of_two_changes_at_the_same_time_one_wins(identity: Stub, person: Person) -> None:
    wanted = ("first new password", "second new password")

    outcomes = await asyncio.gather(
        *(outcome(identity.ChangePassword(change(new=new), metadata=person.metadata)) for new in wanted)
    )

    refused = [result.reason for result in outcomes if isinstance(result, Refusal)]
    assert refused == ["CREDENTIALS_INVALID"]
    winner = next(
        new for new, result in zip(wanted, outcomes, strict=True) if not isinstance(result, Refusal)
    )
    assert (await identity.LogIn(log_in(person.email, winner))).access_token


async def test_no_refresh_token_of_the_old_password_survives_a_change(identity: Stub, person: Person) -> None:
    results = await asyncio.gather(
        identity.ChangePassword(change(), metadata=person.metadata),
        *(outcome(identity.LogIn(log_in(person.email, PASSWORD))) for _ in range(6)),
    )

    for result in results[1:]:
        if isinstance(result, Refusal):
            assert result.reason == "CREDENTIALS_INVALID"
        else:
            request = pb.RefreshAccessTokenRequest(refresh_token=result.refresh_token)
            assert (await refusal(identity.RefreshAccessToken(request))).reason == "TOKEN_INVALID"
