"""Serves the accounts of the design product: converts, calls the use case, converts back."""

from __future__ import annotations

from typing import Any

import grpc
from practice.products.design.v1 import design_users_service_pb2 as pb
from practice.products.design.v1.design_users_service_pb2_grpc import DesignUsersServiceServicer

from identity_service.adapters.grpc.call_context import address_of, hand_over_zone
from identity_service.adapters.grpc.products.design.password_form import read_credentials
from identity_service.adapters.grpc.products.design.responses import (
    log_in_to_proto,
    refresh_to_proto,
    user_to_proto,
)
from identity_service.adapters.grpc.servicer import UseCases
from identity_service.application.accounts import NewAccount
from service_kit.call import current_call
from service_kit.grpc.presentation import answer_with_status
from service_kit.zone_handover import ZoneHandover

SERVICE = "practice.products.design.v1.DesignUsersService"
# What users without an access token may call.
PUBLIC = frozenset(f"/{SERVICE}/{method}" for method in ("SignUp", "LogIn", "Refresh"))
# What answers repeats of what a token asked for before it was ended, as this ends it.
REPEATABLE = frozenset({f"/{SERVICE}/LogOut"})

Context = grpc.aio.ServicerContext[Any, Any]


class DesignUsersServicer(DesignUsersServiceServicer):
    """Serves practice.products.design.v1.DesignUsersService."""

    def __init__(self, use_cases: UseCases, zones: ZoneHandover) -> None:
        self._use = use_cases
        self._zones = zones

    async def SignUp(self, request: pb.SignUpRequest, context: Context) -> pb.SignUpResponse:
        """Makes an account; the gateway answers 201."""
        wanted = NewAccount(
            first_name=request.first_name,
            last_name=request.last_name,
            email=request.email,
            password=request.password,
        )
        account = await self._use.sign_up(current_call(), wanted, address_of(context))
        await hand_over_zone(self._zones, account)
        await answer_with_status(context, 201)
        return pb.SignUpResponse(message="User created successfully", user=user_to_proto(account))

    async def LogIn(self, request: pb.LogInRequest, context: Context) -> pb.LogInResponse:
        """Exchanges an email and a password for tokens."""
        credentials = read_credentials(request.form)
        granted = await self._use.log_in(credentials.username, credentials.password, address_of(context))
        await hand_over_zone(self._zones, granted.account)
        return log_in_to_proto(granted)

    async def Refresh(self, request: pb.RefreshRequest, context: Context) -> pb.RefreshResponse:
        """Makes a new access token; the refresh token stays as it is."""
        granted = await self._use.refresh_access_token(request.refresh_token)
        await hand_over_zone(self._zones, granted.account)
        return refresh_to_proto(granted)

    async def LogOut(self, request: pb.LogOutRequest, context: Context) -> pb.LogOutResponse:
        """Revokes refresh tokens."""
        await self._use.log_out(current_call(), request.refresh_token)
        return pb.LogOutResponse(message="Logged out")

    async def GetMe(self, request: pb.GetMeRequest, context: Context) -> pb.User:
        """Returns the caller's account."""
        return user_to_proto(await self._use.get_me(current_call()))
