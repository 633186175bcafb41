"""What the use cases need from the outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from identity_service.domain.accounts import Account
from identity_service.domain.erasure import Erasure
from service_kit import once
from service_kit.personal_data import FileChunk, Report
from service_kit.revocations import Revocation

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed access token and the seconds until it expires."""

    value: str
    expires_in: int


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


# Has this process hear of tokens that were ended just now. Others hear of them by themselves.
Hear = Callable[[], Awaitable[None]]


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

    async def forget_expired(self, now: datetime) -> int:
        """Deletes what expired; returns how many."""


class Attempts(Protocol):
    """When somebody tried, by a digest of who or what is counted."""

    async def read(self, subject: bytes) -> Sequence[datetime]:
        """Returns the times on record."""

    async def lock(self, subject: bytes, now: datetime) -> Sequence[datetime]:
        """Returns the times on record, nobody else's to read or change until the commit."""

    async def write(self, subject: bytes, times: Sequence[datetime], expires_at: datetime) -> None:
        """Replaces the times of a locked subject; after `expires_at` they may be forgotten."""

    async def forget_expired(self, now: datetime) -> int:
        """Deletes what expired; returns how many."""


class Erasures(Protocol):
    """What was and is being erased, for ever."""

    async def begin(
        self, account: Account, others: Sequence[str], now: datetime, retry_at: datetime
    ) -> Erasure:
        """Deletes the account and all that hangs on it, and notes that the others have to forget it too."""

    async def of_account(self, user_id: int) -> Erasure | None:
        """Returns an account's erasure, if it was erased."""

    async def get(self, receipt_id: UUID) -> Erasure | None:
        """Returns an erasure, None for an unknown receipt."""

    async def claim_due(self, now: datetime) -> Sequence[Unanswered]:
        """Returns what is due to be asked again, and puts it off."""

    async def answer(self, receipt_id: UUID, service: str, report: Report, now: datetime) -> None:
        """Notes what a service did; with the last one, that the erasure is complete. Idempotent."""


class Idempotency(once.Idempotency, Protocol):
    """The answers to requests that may be sent again, kept for a time."""

    async def forget_old(self) -> int:
        """Deletes keys that are kept no longer; returns how many."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A service that has to forget a person."""

    receipt_id: UUID
    user_id: int
    service: str


class PersonalFiles(Protocol):
    """Where a person's files come from."""

    def export(self, user_id: int) -> AsyncGenerator[FileChunk]:
        """Yields a person's files. Raises UnavailableError."""


class PersonalDataClient(PersonalFiles, Protocol):
    """Another service that keeps data of people."""

    async def erase(self, user_id: int, request_id: str, at_most_seconds: float) -> Report:
        """Has the person forgotten. Raises UnavailableError. Idempotent by `request_id`."""


class UnitOfWork(Protocol):
    """One transaction. Leaving it without a commit undoes it."""

    @property
    def accounts(self) -> Accounts:
        """The accounts."""

    @property
    def refresh_tokens(self) -> RefreshTokens:
        """The refresh tokens in force."""

    @property
    def attempts(self) -> Attempts:
        """The attempts that are counted."""

    @property
    def erasures(self) -> Erasures:
        """What was and is being erased."""

    @property
    def idempotency(self) -> Idempotency:
        """The answers to requests that may be sent again."""

    async def commit(self) -> None:
        """Makes the changes last."""

    async def rollback(self) -> None:
        """Undoes the changes and begins anew."""


UnitOfWorkFactory = Callable[[], AbstractAsyncContextManager[UnitOfWork]]
