"""Ports to the tables of accounts, refresh tokens and attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from identity_service.domain.accounts import Account
from service_kit.revocations import Revocation


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account with the hash of its password."""

    account: Account
    password_hash: str


@dataclass(frozen=True, slots=True)
class RevocationPlace:
    """A place in the list of whose access tokens were ended."""

    revoked_at: datetime
    user_id: int


class Accounts(Protocol):
    """The accounts of a unit of work."""

    async def add(
        self, *, first_name: str, last_name: str, email: str, password_hash: str, now: datetime
    ) -> Account | None:
        """Makes an account; None when the email has one."""

    async def get(self, user_id: int) -> Account | None:
        """Returns an account, None for an unknown number."""

    async def hold(self, user_id: int) -> bool:
        """Keeps an account from being erased until the commit; False when there is none (any more)."""

    async def find(self, email: str) -> StoredAccount | None:
        """Returns the account with this email, if there is one."""

    async def set_password_hash(self, user_id: int, password_hash: str) -> None:
        """Replaces the password."""

    async def end_access_tokens(self, user_id: int, now: datetime) -> None:
        """Ends every access token of the user."""

    async def revocations(
        self, since: datetime, after: RevocationPlace | None, limit: int | None
    ) -> Sequence[Revocation]:
        """Returns whose access tokens were ended, oldest first; an erased account's are for good."""


class RefreshTokens(Protocol):
    """The refresh tokens in force, by the digest of the token."""

    async def add(self, digest: bytes, user_id: int, now: datetime, expires_at: datetime) -> None:
        """Puts a token in force."""

    async def owner(self, digest: bytes, now: datetime) -> Account | None:
        """Returns the account of a token in force."""

    async def revoke(self, user_id: int, digest: bytes) -> None:
        """Ends a token if it is the user's."""

    async def revoke_all(self, user_id: int) -> None:
        """Ends every token of the user."""

    async def delete_expired(self, now: datetime) -> int:
        """Deletes what expired; returns how many."""


class Attempts(Protocol):
    """When somebody tried, by a digest of who or what is counted."""

    async def read(self, subject: bytes) -> Sequence[datetime]:
        """Returns the times on record."""

    async def lock(self, subject: bytes, now: datetime) -> Sequence[datetime]:
        """Returns the times on record, nobody else's to read or change until the commit."""

    async def write(self, subject: bytes, times: Sequence[datetime], expires_at: datetime) -> None:
        """Replaces the times of a locked subject; after `expires_at` they may be forgotten."""

    async def delete_expired(self, now: datetime) -> int:
        """Deletes what expired; returns how many."""
