"""Ports to the tables of erasures and to the other services with personal data."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from identity_service.domain.accounts import Account
from identity_service.domain.erasure import Erasure
from service_kit.personal_data import FileChunk, Report


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A service that has to forget a user."""

    receipt_id: UUID
    user_id: int
    service: str


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


class PersonalFiles(Protocol):
    """Where a user's files come from."""

    def export(self, user_id: int) -> AsyncGenerator[FileChunk]:
        """Yields a user's files. Raises UnavailableError."""


class PersonalDataClient(PersonalFiles, Protocol):
    """Another service that keeps data of users."""

    async def erase(self, user_id: int, request_id: str, at_most_seconds: float) -> Report:
        """Has the user forgotten. Raises UnavailableError. Idempotent by `request_id`."""
