"""The accounts of the design product on the wire."""

from __future__ import annotations

from typing import Any

import grpc
from practice.products.design.v1 import design_users_service_pb2 as pb
from practice.products.design.v1.design_users_service_pb2_grpc import DesignUsersServiceServicer

from identity_service.adapters.grpc.client_address import client_address
from identity_service.adapters.grpc.products.password_form import read_credentials
from identity_service.adapters.grpc.zones import hand_over
from identity_service.application.sign_up import NewAccount
from identity_service.application.use_cases import UseCases
from identity_service.domain.accounts import Account
from identity_service.domain.errors import RefreshTokenInvalidError
from service_kit import object_ids
from service_kit.call import current_call
from service_kit.errors import ServiceError
from service_kit.grpc.presentation import ProductError, answer_with_status, http_status
from service_kit.grpc.product_shapes import rfc3339, validation_details
from service_kit.zone_handover import ZoneHandover

SERVICE = "practice.products.design.v1.DesignUsersService"
# What people without an access token may call.
PUBLIC = frozenset(f"/{SERVICE}/{method}" for method in ("SignUp", "LogIn", "Refresh"))
# What answers repeats of what a token asked for before it was ended, as this ends it.
REPEATABLE = frozenset({f"/{SERVICE}/LogOut"})
_BEARER = "bearer"
_STATUSES = {"EMAIL_TAKEN": 400}
_DETAILS = {
    "EMAIL_TAKEN": "User already exists",
    "CREDENTIALS_INVALID": "Invalid credentials",
    "ACCOUNT_NOT_FOUND": "User not found",
}

Context = grpc.aio.ServicerContext[Any, Any]


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    details = validation_details(error)
    if details is not None:
        return ProductError(422, {"detail": details})
    if isinstance(error, RefreshTokenInvalidError):
        return ProductError(401, {"detail": "Invalid or expired refresh token"})
    return ProductError(http_status(error, _STATUSES), {"detail": _DETAILS.get(error.reason, error.message)})


class DesignUsersServicer(DesignUsersServiceServicer):
    """Implements practice.products.design.v1.DesignUsersService."""

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
        address = client_address(context.invocation_metadata() or (), context.peer())
        account = await self._use.sign_up(current_call(), wanted, address)
        await hand_over(self._zones, account)
        await answer_with_status(context, 201)
        return pb.SignUpResponse(message="User created successfully", user=_to_user(account))

    async def LogIn(self, request: pb.LogInRequest, context: Context) -> pb.LogInResponse:
        """Exchanges an email and a password for tokens."""
        credentials = read_credentials(request.form)
        address = client_address(context.invocation_metadata() or (), context.peer())
        granted = await self._use.log_in(credentials.username, credentials.password, address)
        await hand_over(self._zones, granted.account)
        return pb.LogInResponse(
            access_token=granted.access_token.value,
            refresh_token=granted.refresh_token,
            token_type=_BEARER,
            expires_in=granted.access_token.expires_in,
            user=_to_user(granted.account),
        )

    async def Refresh(self, request: pb.RefreshRequest, context: Context) -> pb.RefreshResponse:
        """Makes a new access token; the refresh token stays as it is."""
        granted = await self._use.refresh_access_token(request.refresh_token)
        await hand_over(self._zones, granted.account)
        token = granted.access_token
        return pb.RefreshResponse(access_token=token.value, token_type=_BEARER, expires_in=token.expires_in)

    async def LogOut(self, request: pb.LogOutRequest, context: Context) -> pb.LogOutResponse:
        """Revokes refresh tokens."""
        await self._use.log_out(current_call(), request.refresh_token)
        return pb.LogOutResponse(message="Logged out")

    async def GetMe(self, request: pb.GetMeRequest, context: Context) -> pb.User:
        """Returns the caller's account."""
        return _to_user(await self._use.get_me(current_call()))


def _to_user(account: Account) -> pb.User:
    return pb.User(
        id=object_ids.encode(account.created_at, account.user_id),
        first_name=account.first_name,
        last_name=account.last_name,
        email=account.email,
        created_at=rfc3339(account.created_at),
    )
