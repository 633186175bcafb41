"""The accounts of the design product: its shapes, its status codes, its form."""

from __future__ import annotations

import json
import re
from datetime import UTC
from typing import Any, TypeAlias

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from practice.identity.v1 import identity_service_pb2, identity_service_pb2_grpc
from practice.products.design.v1 import design_users_service_pb2 as pb
from practice.products.design.v1 import design_users_service_pb2_grpc as rpc

from service_kit import object_ids
from tests.grpc_errors import Refusal, outcome, refusal
from tests.identity_service.conftest import PASSWORD, Clock, Connect, Metadata, new_email
from tests.tokens import TestTokens

Stub: TypeAlias = "rpc.DesignUsersServiceAsyncStub"
FORM = "application/x-www-form-urlencoded"
# The beginning of a field of a multipart form, whose parts are separated by `x`.
PARTS = "multipart/form-data; boundary=x"
PART = '--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n'


@pytest.fixture
def design(channel: grpc.aio.Channel) -> Stub:
    return rpc.DesignUsersServiceStub(channel)


def sign_up_request(**changes: Any) -> pb.SignUpRequest:
    fields = {"first_name": "John", "last_name": "Doe", "email": new_email(), "password": PASSWORD}
    given = {name: value for name, value in {**fields, **changes}.items() if value is not None}
    return pb.SignUpRequest(**given)


def log_in_request(content: str | bytes, media_type: str = FORM) -> pb.LogInRequest:
    data = content.encode() if isinstance(content, str) else content
    return pb.LogInRequest(form=HttpBody(content_type=media_type, data=data))


def form_of(email: str, password: str = PASSWORD) -> pb.LogInRequest:
    return log_in_request(f"username={email.replace('@', '%40')}&password={password.replace(' ', '+')}")


def http(refused: Refusal) -> tuple[int, Any]:
    """What the gateway makes of a refusal."""
    body = json.loads(refused.trailing["x-practice-body"])
    assert list(body) == ["detail"]
    return int(refused.trailing["x-practice-status"]), body["detail"]


async def status_of(call: Any) -> tuple[str, Any]:
    response = await call
    metadata = dict(await call.initial_metadata())
    return metadata.get("x-practice-status", "200"), response


@pytest.fixture
async def person(design: Stub) -> pb.LogInResponse:
    request = sign_up_request()
    await design.SignUp(request)
    return await design.LogIn(form_of(request.email))


def bearer(person: pb.LogInResponse) -> Metadata:
    return (("authorization", f"Bearer {person.access_token}"),)


async def test_a_sign_up_is_a_201_with_the_user(design: Stub, channel: grpc.aio.Channel) -> None:
    email = new_email()

    status, response = await status_of(design.SignUp(sign_up_request(email=email.upper())))

    assert (status, response.message) == ("201", "User created successfully")
    user = response.user
    assert (user.first_name, user.last_name, user.email) == ("John", "Doe", email)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", user.created_at)
    assert re.fullmatch("[0-9a-f]{24}", user.id)
    identity = identity_service_pb2_grpc.IdentityServiceStub(channel)
    pair = await identity.LogIn(identity_service_pb2.LogInRequest(email=email, password=PASSWORD))
    decoded = object_ids.decode(user.id)
    assert decoded is not None
    assert decoded.names(pair.account.user_id, pair.account.create_time.ToDatetime(UTC))


async def test_signing_up_twice_is_a_400(design: Stub) -> None:
    request = sign_up_request()
    await design.SignUp(request)

    assert http(await refusal(design.SignUp(request))) == (400, "User already exists")


async def test_a_repeated_sign_up_with_one_key_is_the_first_answer_again(design: Stub) -> None:
    request, metadata = sign_up_request(), (("idempotency-key", f"key of {new_email()}"),)

    first = await status_of(design.SignUp(request, metadata=metadata))

    assert await status_of(design.SignUp(request, metadata=metadata)) == first
    reused = await refusal(design.SignUp(sign_up_request(), metadata=metadata))
    status, detail = http(reused)
    assert (status, type(detail)) == (422, str)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("email", "nobody", "value_error"),
        ("email", None, "missing"),
        ("first_name", "", "string_too_short"),
        ("last_name", None, "missing"),
        ("last_name", "A\0b", "value_error"),
        ("password", "short", "string_too_short"),
        ("password", "x" * 129, "string_too_long"),
        ("password", "password1", "value_error"),
        ("first_name", "\u3164", "value_error"),
    ],
)
async def test_an_invalid_field_is_a_422_that_leads_to_it(
    design: Stub, field: str, value: str | None, kind: str
) -> None:
    status, details = http(await refusal(design.SignUp(sign_up_request(**{field: value}))))

    assert status == 422
    (detail,) = details
    assert (detail["loc"], detail["type"]) == (["body", field], kind)
    assert detail["msg"] and not detail["msg"].startswith(field)


@pytest.mark.parametrize("way", ["form", "json", "multipart"])
async def test_a_log_in_takes_a_form_or_json(design: Stub, way: str) -> None:
    signed_up = sign_up_request(password="p&ss=wörd +%")
    user = (await design.SignUp(signed_up)).user
    email = signed_up.email
    requests = {
        "form": log_in_request(
            f"grant_type=password&username={email}&password=p%26ss%3Dw%C3%B6rd+%2B%25&scope=",
            f"{FORM}; charset=utf-8",
        ),
        "json": log_in_request(
            json.dumps({"username": email, "password": signed_up.password}), "application/json"
        ),
        "multipart": log_in_request(
            f'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n{email}\r\n'
            f'--x\r\nContent-Disposition: form-data; name="password"\r\n\r\n{signed_up.password}\r\n'
            "--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
    }

    response = await design.LogIn(requests[way])

    assert (response.token_type, response.expires_in, response.user) == ("bearer", 86400, user)
    assert response.access_token and response.refresh_token


async def test_a_wrong_password_and_an_unknown_user_are_the_same_401(
    design: Stub, person: pb.LogInResponse
) -> None:
    wrong = await refusal(design.LogIn(form_of(person.user.email, "wrong password")))
    unknown = await refusal(design.LogIn(form_of(new_email())))

    assert http(wrong) == http(unknown) == (401, "Invalid credentials")


@pytest.mark.parametrize(
    ("content", "media_type", "loc", "kind"),
    [
        ("password=secret", FORM, ["body", "username"], "missing"),
        ("username=a&password=", FORM, ["body", "password"], "missing"),
        ("", "", ["body", "username"], "missing"),
        ("username=a&password=b&grant_type=client_credentials", FORM, ["body", "grant_type"], "enum"),
        (f"username={'a' * 255}&password=b", FORM, ["body", "username"], "string_too_long"),
        ("username=%ff&password=b", FORM, ["body"], "value_error"),
        ("username=%00&password=b", FORM, ["body"], "value_error"),
        (b"username=\xff&password=b", FORM, ["body"], "value_error"),
        ("&".join(f"f{n}=1" for n in range(50)), FORM, ["body"], "value_error"),
        ("x" * 20_000, FORM, ["body"], "value_error"),
        ('{"username": 5, "password": "b"}', "application/json", ["body", "username"], "value_error"),
        (r'{"username": "\ud800", "password": "b"}', "", ["body", "username"], "value_error"),
        ("[1]", "application/json", ["body"], "value_error"),
        ("{", "application/json", ["body"], "value_error"),
        ("[" * 9000, "application/json", ["body"], "value_error"),
        ("--", "multipart/form-data", ["body", "username"], "missing"),
        (f"{PART}a\r\n--x--", PARTS, ["body", "password"], "missing"),
        (f"{PART}a\r\n--x", PARTS, ["body"], "value_error"),
        (f"{PART}a\r\n" * 50 + "--x--", PARTS, ["body"], "value_error"),
        (PART.encode() + b"\xff\r\n--x--", PARTS, ["body"], "value_error"),
    ],
)
async def test_a_form_that_cannot_be_read_is_a_422(
    design: Stub, content: str | bytes, media_type: str, loc: list[str], kind: str
) -> None:
    status, details = http(await refusal(design.LogIn(log_in_request(content, media_type))))

    assert status == 422
    (detail,) = details
    assert (detail["loc"], detail["type"]) == (loc, kind)


async def test_too_many_guesses_are_a_429_that_says_when_to_come_back(connect: Connect) -> None:
    async with connect(log_in_failures_per_account=1) as channel:
        design, email = rpc.DesignUsersServiceStub(channel), new_email()
        await refusal(design.LogIn(form_of(email)))
        refused = await refusal(design.LogIn(form_of(email)))

    status, detail = http(refused)
    assert (status, type(detail)) == (429, str)
    assert 0 < int(refused.trailing["retry-after"]) <= 15 * 60


async def test_too_many_sign_ups_are_a_429_that_says_when_to_come_back(connect: Connect) -> None:
    async with connect(sign_up_attempts_per_address=1) as channel:
        design = rpc.DesignUsersServiceStub(channel)
        metadata = (("x-practice-client-address", f"client of {new_email()}"),)
        await design.SignUp(sign_up_request(), metadata=metadata)
        refused = await refusal(design.SignUp(sign_up_request(), metadata=metadata))

    status, detail = http(refused)
    assert (status, type(detail)) == (429, str)
    assert 0 < int(refused.trailing["retry-after"]) <= 60


async def test_a_refresh_gives_an_access_token_and_nothing_else(
    design: Stub, person: pb.LogInResponse
) -> None:
    response = await design.Refresh(pb.RefreshRequest(refresh_token=person.refresh_token))

    assert (response.token_type, response.expires_in) == ("bearer", 86400)
    assert {field.name for field in response.DESCRIPTOR.fields} == {
        "access_token",
        "token_type",
        "expires_in",
    }
    metadata = (("authorization", f"Bearer {response.access_token}"),)
    assert await design.GetMe(pb.GetMeRequest(), metadata=metadata) == person.user


async def test_neither_an_access_token_nor_an_expired_one_refreshes(
    design: Stub, person: pb.LogInResponse, connect: Connect, clock: Clock
) -> None:
    expected = (401, "Invalid or expired refresh token")
    access = pb.RefreshRequest(refresh_token=person.access_token)
    assert http(await refusal(design.Refresh(access))) == expected

    clock.advance(days=7, seconds=5)
    expired = pb.RefreshRequest(refresh_token=person.refresh_token)
    async with connect() as later:
        assert http(await refusal(rpc.DesignUsersServiceStub(later).Refresh(expired))) == expected


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_log_out_ends_the_refresh_token(
    design: Stub, person: pb.LogInResponse, everywhere: bool
) -> None:
    token = None if everywhere else person.refresh_token

    assert (await design.LogOut(pb.LogOutRequest(refresh_token=token), metadata=bearer(person))).message

    again = await outcome(design.Refresh(pb.RefreshRequest(refresh_token=person.refresh_token)))
    assert http(again)[0] == 401


async def test_the_callers_account_needs_a_token_and_an_account(
    design: Stub, person: pb.LogInResponse, tokens: TestTokens
) -> None:
    assert await design.GetMe(pb.GetMeRequest(), metadata=bearer(person)) == person.user
    assert http(await refusal(design.GetMe(pb.GetMeRequest())))[0] == 401
    assert http(await refusal(design.LogOut(pb.LogOutRequest())))[0] == 401
    gone = await refusal(design.GetMe(pb.GetMeRequest(), metadata=tokens.bearer(2**62)))
    assert http(gone) == (404, "User not found")
