"""Serves accounts and tokens: converts, calls the use case, converts back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty
from practice.identity.v1 import (
    account_admin_service_pb2,
    account_admin_service_pb2_grpc,
    account_pb2,
    identity_service_pb2_grpc,
)
from practice.identity.v1 import identity_service_pb2 as pb

from identity_service.adapters.grpc.call_context import address_of, hand_over_zone
from identity_service.application.accounts import ChangePassword, FindAccount, GetMe, NewAccount, SignUp
from identity_service.application.tokens import GetJwks, GrantedTokens, LogIn, LogOut, RefreshAccessToken
from identity_service.domain.accounts import Account
from service_kit.call import current_call
from service_kit.zone_handover import ZoneHandover

Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = "practice.identity.v1.IdentityService"
ADMIN_SERVICE = "practice.identity.v1.AccountAdminService"
# What users without an access token may call.
PUBLIC = frozenset(f"/{SERVICE}/{method}" for method in ("SignUp", "LogIn", "RefreshAccessToken", "GetJwks"))

# What answers repeats of what a token asked for before it was ended, as these end it.
REPEATABLE = frozenset(f"/{SERVICE}/{method}" for method in ("LogOut", "ChangePassword"))


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the servicers call, and that of each product with accounts."""

    sign_up: SignUp
    log_in: LogIn
    refresh_access_token: RefreshAccessToken
    log_out: LogOut
    change_password: ChangePassword
    get_me: GetMe
    get_jwks: GetJwks
    find_account: FindAccount


class IdentityServicer(identity_service_pb2_grpc.IdentityServiceServicer):
    """What users do with their accounts."""

    def __init__(self, use_cases: UseCases, zones: ZoneHandover) -> None:
        self._use = use_cases
        self._zones = zones

    async def SignUp(self, request: pb.SignUpRequest, context: Context) -> account_pb2.Account:
        """Makes an account."""
        account = await self._use.sign_up(current_call(), sign_up_from_proto(request), address_of(context))
        await hand_over_zone(self._zones, account)
        return account_to_proto(account)

    async def LogIn(self, request: pb.LogInRequest, context: Context) -> account_pb2.TokenPair:
        """Exchanges an email and a password for tokens."""
        granted = await self._use.log_in(request.email, request.password, address_of(context))
        await hand_over_zone(self._zones, granted.account)
        return token_pair_to_proto(granted)

    async def RefreshAccessToken(
        self, request: pb.RefreshAccessTokenRequest, context: Context
    ) -> account_pb2.TokenPair:
        """Makes a new access token."""
        granted = await self._use.refresh_access_token(request.refresh_token)
        await hand_over_zone(self._zones, granted.account)
        return token_pair_to_proto(granted)

    async def LogOut(self, request: pb.LogOutRequest, context: Context) -> Empty:
        """Revokes refresh tokens."""
        await self._use.log_out(current_call(), request.refresh_token)
        return Empty()

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Context) -> Empty:
        """Replaces the caller's password."""
        await self._use.change_password(current_call(), request.current_password, request.new_password)
        return Empty()

    async def GetMe(self, request: pb.GetMeRequest, context: Context) -> account_pb2.Account:
        """Returns the caller's account."""
        return account_to_proto(await self._use.get_me(current_call()))

    async def GetJwks(self, request: pb.GetJwksRequest, context: Context) -> HttpBody:
        """Returns the public keys."""
        return HttpBody(content_type="application/json", data=self._use.get_jwks())


class AccountAdminServicer(account_admin_service_pb2_grpc.AccountAdminServiceServicer):
    """What operators ask about accounts."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def FindAccount(
        self, request: account_admin_service_pb2.FindAccountRequest, context: Context
    ) -> account_pb2.Account:
        """Shows an account."""
        by_email = request.WhichOneof("person") == "email"
        return account_to_proto(await self._use.find_account(request.email if by_email else request.user_id))


def sign_up_from_proto(request: pb.SignUpRequest) -> NewAccount:
    """Returns the account asked for."""
    return NewAccount(
        first_name=request.first_name,
        last_name=request.last_name,
        email=request.email,
        password=request.password,
    )


def account_to_proto(account: Account) -> account_pb2.Account:
    """Returns the account as its owner sees it."""
    message = account_pb2.Account(
        name=f"accounts/{account.user_id}",
        user_id=account.user_id,
        first_name=account.first_name,
        last_name=account.last_name,
        email=account.email,
    )
    message.create_time.FromDatetime(account.created_at)
    return message


def token_pair_to_proto(granted: GrantedTokens) -> account_pb2.TokenPair:
    """Returns the tokens with their account."""
    return account_pb2.TokenPair(
        access_token=granted.access_token.value,
        refresh_token=granted.refresh_token,
        token_type="bearer",  # noqa: S106 - the scheme's name
        expires_in=granted.access_token.expires_in,
        account=account_to_proto(granted.account),
    )
