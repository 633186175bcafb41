"""What tokens do, and what they do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import jwt
import pytest
from practice.identity.v1 import identity_service_pb2 as pb
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from identity_service import keys
from identity_service.adapters.db.tables import accounts, refresh_tokens
from tests.grpc_errors import Refusal, outcome, refusal
from tests.identity_service.conftest import HASHED_IN_EARNEST, PASSWORD, Clock, Person, Serve, Stub, new_email
from tests.tokens import TestTokens

NewPerson = Callable[[], Awaitable[Person]]


def refresh(stub: Stub, token: str) -> Awaitable[object]:
    return stub.RefreshAccessToken(pb.RefreshAccessTokenRequest(refresh_token=token))


async def is_in_force(stub: Stub, token: str) -> bool:
    result = await outcome(refresh(stub, token))
    if isinstance(result, Refusal):
        assert (result.code, result.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
        return False
    return True


async def test_a_refresh_gives_an_access_token_and_no_refresh_token(identity: Stub, person: Person) -> None:
    request = pb.RefreshAccessTokenRequest(refresh_token=person.tokens.refresh_token)

    first, second = await asyncio.gather(*(identity.RefreshAccessToken(request) for _ in range(2)))

    for pair in (first, second):
        assert (pair.refresh_token, pair.token_type, pair.expires_in) == ("", "bearer", 86400)
        assert pair.account == person.account
        me = await identity.GetMe(
            pb.GetMeRequest(), metadata=(("authorization", f"Bearer {pair.access_token}"),)
        )
        assert me == person.account
    assert first.access_token != second.access_token


async def test_a_refresh_token_is_useless_as_an_access_token(identity: Stub, person: Person) -> None:
    metadata = (("authorization", f"Bearer {person.tokens.refresh_token}"),)

    refused = await refusal(identity.GetMe(pb.GetMeRequest(), metadata=metadata))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


async def test_an_access_token_never_refreshes(identity: Stub, person: Person) -> None:
    assert not await is_in_force(identity, person.tokens.access_token)


async def test_a_refresh_token_expires_after_seven_days(serve: Serve, person: Person, clock: Clock) -> None:
    async with serve() as identity:
        clock.advance(days=7, seconds=-5)
        assert await is_in_force(identity, person.tokens.refresh_token)

        clock.advance(seconds=10)
        assert not await is_in_force(identity, person.tokens.refresh_token)


async def test_an_access_token_expires_after_its_lifetime(serve: Serve, clock: Clock, person: Person) -> None:
    clock.advance(minutes=-61)
    async with serve(jwt_access_token_expire_hours=1) as stub:
        pair = await stub.LogIn(pb.LogInRequest(email=person.email, password=PASSWORD))
        assert pair.expires_in == 3600
        metadata = (("authorization", f"Bearer {pair.access_token}"),)

        refused = await refusal(stub.GetMe(pb.GetMeRequest(), metadata=metadata))

    assert refused.reason == "TOKEN_INVALID"


async def test_refresh_tokens_and_passwords_are_stored_as_hashes_only(
    serve: Serve, engine: AsyncEngine
) -> None:
    email = new_email()
    async with serve(**HASHED_IN_EARNEST) as stub:
        request = pb.SignUpRequest(first_name="Ana", email=email, password=PASSWORD)
        user_id = (await stub.SignUp(request)).user_id
        token = (await stub.LogIn(pb.LogInRequest(email=email, password=PASSWORD))).refresh_token
    async with engine.connect() as connection:
        mine = refresh_tokens.c.user_id == user_id
        row = (await connection.execute(select(refresh_tokens).where(mine))).one()
        account = accounts.c.user_id == user_id
        password_hash = await connection.scalar(select(accounts.c.password_hash).where(account))

    assert len(token) >= 43
    assert token.encode() not in row.digest
    assert len(row.digest) == 32
    assert str(password_hash).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_logging_out_ends_the_one_token(identity: Stub, person: Person) -> None:
    other = await identity.LogIn(pb.LogInRequest(email=person.email, password=PASSWORD))
    request = pb.LogOutRequest(refresh_token=person.tokens.refresh_token)

    for _ in range(2):
        await identity.LogOut(request, metadata=person.metadata)

    assert not await is_in_force(identity, person.tokens.refresh_token)
    assert await is_in_force(identity, other.refresh_token)


async def test_logging_out_everywhere_ends_the_callers_tokens_alone(
    identity: Stub, new_person: NewPerson
) -> None:
    person, neighbour = await new_person(), await new_person()
    other = await identity.LogIn(pb.LogInRequest(email=person.email, password=PASSWORD))

    await identity.LogOut(pb.LogOutRequest(), metadata=person.metadata)

    assert not await is_in_force(identity, person.tokens.refresh_token)
    assert not await is_in_force(identity, other.refresh_token)
    assert await is_in_force(identity, neighbour.tokens.refresh_token)


async def test_nobody_ends_the_token_of_another(identity: Stub, new_person: NewPerson) -> None:
    person, thief = await new_person(), await new_person()

    await identity.LogOut(
        pb.LogOutRequest(refresh_token=person.tokens.refresh_token), metadata=thief.metadata
    )

    assert await is_in_force(identity, person.tokens.refresh_token)


async def test_refreshes_racing_a_log_out_end_with_it(identity: Stub, person: Person) -> None:
    token = person.tokens.refresh_token
    log_out = identity.LogOut(pb.LogOutRequest(), metadata=person.metadata)

    results = await asyncio.gather(log_out, *(outcome(refresh(identity, token)) for _ in range(10)))

    assert {result.reason for result in results[1:] if isinstance(result, Refusal)} <= {"TOKEN_INVALID"}
    assert not await is_in_force(identity, token)


async def test_logging_out_and_looking_at_oneself_need_a_token(identity: Stub) -> None:
    change = pb.ChangePasswordRequest(current_password=PASSWORD, new_password=PASSWORD)
    for call in (
        identity.LogOut(pb.LogOutRequest()),
        identity.GetMe(pb.GetMeRequest()),
        identity.ChangePassword(change),
    ):
        refused = await refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


async def test_a_token_that_outlived_its_account_finds_nothing(identity: Stub, tokens: TestTokens) -> None:
    refused = await refusal(identity.GetMe(pb.GetMeRequest(), metadata=tokens.bearer(2**62)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")


async def test_the_published_keys_verify_the_tokens_and_hold_no_secret(
    identity: Stub, person: Person
) -> None:
    body = await identity.GetJwks(pb.GetJwksRequest())

    assert body.content_type == "application/json"
    document = json.loads(body.data)
    assert all("d" not in key for key in document["keys"])
    key = jwt.PyJWKSet.from_dict(document)[jwt.get_unverified_header(person.tokens.access_token)["kid"]]
    claims = jwt.decode(
        person.tokens.access_token,
        key.key,
        algorithms=["EdDSA"],
        audience="practice-access",
        issuer="practice",
    )
    assert claims["sub"] == str(person.account.user_id)


async def test_tokens_signed_before_a_rotation_go_on_working(serve: Serve, tmp_path: Path) -> None:
    keys.make_keys(tmp_path)
    files = {
        "signing_key_file": tmp_path / keys.SIGNING_KEY,
        "jwks_uri": (tmp_path / keys.JWKS).as_uri(),
    }
    old = TestTokens(tmp_path)
    keys.make_keys(tmp_path, rotate=True)

    async with serve(**files) as stub:
        refused = await refusal(stub.GetMe(pb.GetMeRequest(), metadata=old.bearer(2**62)))
        published = json.loads((await stub.GetJwks(pb.GetJwksRequest())).data)["keys"]

    assert refused.reason == "ACCOUNT_NOT_FOUND"
    assert [key["kid"] for key in published] == [TestTokens(tmp_path).key_id, old.key_id]


async def test_a_service_whose_signing_key_is_not_published_does_not_start(
    serve: Serve, tmp_path: Path
) -> None:
    keys.make_keys(tmp_path)

    with pytest.raises(ValueError, match="signing key"):
        async with serve(signing_key_file=tmp_path / keys.SIGNING_KEY):
            pass
