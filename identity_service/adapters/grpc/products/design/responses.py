"""Converts responses to the design product's clients."""

from __future__ import annotations

from practice.products.design.v1 import design_users_service_pb2 as pb

from identity_service.application.tokens import GrantedTokens
from identity_service.domain.accounts import Account
from service_kit import object_ids
from service_kit.grpc.product_shapes import rfc3339

_BEARER = "bearer"


def log_in_to_proto(granted: GrantedTokens) -> pb.LogInResponse:
    """Returns the tokens with their account."""
    return pb.LogInResponse(
        access_token=granted.access_token.value,
        refresh_token=granted.refresh_token,
        token_type=_BEARER,
        expires_in=granted.access_token.expires_in,
        user=user_to_proto(granted.account),
    )


def refresh_to_proto(granted: GrantedTokens) -> pb.RefreshResponse:
    """Returns the new access token."""
    token = granted.access_token
    return pb.RefreshResponse(access_token=token.value, token_type=_BEARER, expires_in=token.expires_in)


def user_to_proto(account: Account) -> pb.User:
    """Returns the account as its owner sees it."""
    return pb.User(
        id=object_ids.encode(account.created_at, account.user_id),
        first_name=account.first_name,
        last_name=account.last_name,
        email=account.email,
        created_at=rfc3339(account.created_at),
    )
