"""Serves practice.identity.v1: converts, calls the use case, converts back."""

from __future__ import annotations

from typing import Any

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty
from practice.identity.v1 import account_pb2, identity_service_pb2_grpc
from practice.identity.v1 import identity_service_pb2 as pb

from identity_service.adapters.grpc.client_address import client_address
from identity_service.adapters.grpc.converters import from_sign_up, to_account, to_token_pair
from identity_service.adapters.grpc.zones import hand_over
from identity_service.application.use_cases import UseCases
from service_kit.call import current_call
from service_kit.zone_handover import ZoneHandover

Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = "practice.identity.v1.IdentityService"
# What people without an access token may call.
PUBLIC = frozenset(f"/{SERVICE}/{method}" for method in ("SignUp", "LogIn", "RefreshAccessToken", "GetJwks"))

# What answers repeats of what a token asked for before it was ended, as these end it.
REPEATABLE = frozenset(f"/{SERVICE}/{method}" for method in ("LogOut", "ChangePassword"))


class IdentityServicer(identity_service_pb2_grpc.IdentityServiceServicer):
    """The identity service."""

    def __init__(self, use_cases: UseCases, zones: ZoneHandover) -> None:
        self._use_cases = use_cases
        self._zones = zones

    async def SignUp(self, request: pb.SignUpRequest, context: Context) -> account_pb2.Account:
        """Makes an account."""
        address = client_address(context.invocation_metadata() or (), context.peer())
        account = await self._use_cases.sign_up(current_call(), from_sign_up(request), address)
        await hand_over(self._zones, account)
        return to_account(account)

    async def LogIn(self, request: pb.LogInRequest, context: Context) -> account_pb2.TokenPair:
        """Exchanges an email and a password for tokens."""
        address = client_address(context.invocation_metadata() or (), context.peer())
        granted = await self._use_cases.log_in(request.email, request.password, address)
        await hand_over(self._zones, granted.account)
        return to_token_pair(granted)

    async def RefreshAccessToken(
        self, request: pb.RefreshAccessTokenRequest, context: Context
    ) -> account_pb2.TokenPair:
        """Makes a new access token."""
        granted = await self._use_cases.refresh_access_token(request.refresh_token)
        await hand_over(self._zones, granted.account)
        return to_token_pair(granted)

    async def LogOut(self, request: pb.LogOutRequest, context: Context) -> Empty:
        """Revokes refresh tokens."""
        await self._use_cases.log_out(current_call(), request.refresh_token)
        return Empty()

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Context) -> Empty:
        """Replaces the caller's password."""
        await self._use_cases.change_password(current_call(), request.current_password, request.new_password)
        return Empty()

    async def GetMe(self, request: pb.GetMeRequest, context: Context) -> account_pb2.Account:
        """Returns the caller's account."""
        return to_account(await self._use_cases.get_me(current_call()))

    async def GetJwks(self, request: pb.GetJwksRequest, context: Context) -> HttpBody:
        """Returns the public keys."""
        return HttpBody(content_type="application/json", data=self._use_cases.get_jwks())
