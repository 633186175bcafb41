"""The tokens that a log-in or a refresh gives."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from identity_service.application.ports import AccessToken
from identity_service.domain.accounts import Account

_REFRESH_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class GrantedTokens:
    """What lets its bearer act for the account. `refresh_token` is empty when none was made."""

    access_token: AccessToken
    refresh_token: str
    account: Account


def new_refresh_token() -> str:
    """Returns 256 random bits as text."""
    return secrets.token_urlsafe(_REFRESH_TOKEN_BYTES)


def refresh_token_digest(token: str) -> bytes:
    """Returns the form in which a token is stored. Random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()
