"""Operators find an account by what they know of the person."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from practice.identity.v1 import account_admin_service_pb2 as pb
from practice.identity.v1 import account_admin_service_pb2_grpc as rpc
from practice.identity.v1 import identity_service_pb2, identity_service_pb2_grpc

from service_kit.grpc.channels import INTERNAL_KEY
from tests.grpc_errors import refusal


@pytest.fixture
def admin(channel: grpc.aio.Channel) -> rpc.AccountAdminServiceAsyncStub:
    return rpc.AccountAdminServiceStub(channel)


@pytest.fixture
def internal(internal_token: str) -> tuple[tuple[str, str], ...]:
    return ((INTERNAL_KEY, internal_token),)


async def test_an_account_is_found_by_email_in_any_case_and_by_number(
    channel: grpc.aio.Channel, admin: rpc.AccountAdminServiceAsyncStub, internal: Any
) -> None:
    identity: Any = identity_service_pb2_grpc.IdentityServiceStub(channel)
    wanted = identity_service_pb2.SignUpRequest(
        first_name="Ana", last_name="Gil", email="find.me@example.com", password="a long password"
    )
    account = await identity.SignUp(wanted)
    by_email = pb.FindAccountRequest(email=" Find.Me@Example.com ")
    assert await admin.FindAccount(by_email, metadata=internal) == account
    by_number = pb.FindAccountRequest(user_id=account.user_id)
    assert await admin.FindAccount(by_number, metadata=internal) == account


@pytest.mark.parametrize(
    "request_",
    [
        pb.FindAccountRequest(email="nobody@example.com"),
        pb.FindAccountRequest(user_id=2**63 - 1),
        pb.FindAccountRequest(email="not an address"),
    ],
    ids=str,
)
async def test_nobody_is_not_found(
    admin: rpc.AccountAdminServiceAsyncStub, internal: Any, request_: pb.FindAccountRequest
) -> None:
    refused = await refusal(admin.FindAccount(request_, metadata=internal))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")


@pytest.mark.parametrize("request_", [pb.FindAccountRequest(), pb.FindAccountRequest(user_id=0)], ids=str)
async def test_a_person_has_to_be_named(
    admin: rpc.AccountAdminServiceAsyncStub, internal: Any, request_: pb.FindAccountRequest
) -> None:
    refused = await refusal(admin.FindAccount(request_, metadata=internal))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")


async def test_nobody_finds_anybody_without_the_internal_token(
    admin: rpc.AccountAdminServiceAsyncStub,
) -> None:
    refused = await refusal(admin.FindAccount(pb.FindAccountRequest(user_id=1)))
    assert refused.code is grpc.StatusCode.PERMISSION_DENIED
