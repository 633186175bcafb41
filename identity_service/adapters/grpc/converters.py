"""Converts between identity's messages and its domain."""

from __future__ import annotations

from practice.identity.v1 import account_pb2
from practice.identity.v1 import identity_service_pb2 as pb

from identity_service.application.accounts import NewAccount
from identity_service.application.tokens import GrantedTokens
from identity_service.domain.accounts import Account


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
