"""Ports to password hashes and token signatures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from identity_service.domain.accounts import Account


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed access token and the seconds until it expires."""

    value: str
    expires_in: int


class Passwords(Protocol):
    """Hashes passwords, slowly and only a few at once."""

    async def hash(self, password: str) -> str:
        """Returns a new hash."""

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Tells whether they belong together; without a hash never, after the same work."""


class AccessTokens(Protocol):
    """Signs access tokens."""

    def sign(self, account: Account, now: datetime) -> AccessToken:
        """Returns a token for the account."""
