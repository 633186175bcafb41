"""The unit of work: one transaction over all tables. The clock, too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from identity_service.application.ports.accounts import Accounts, Attempts, RefreshTokens
from identity_service.application.ports.erasures import Erasures
from service_kit.once import Idempotency

Clock = Callable[[], datetime]
# Makes tokens that were ended just now known in this process. Others ask for them by themselves.
RefreshRevocations = Callable[[], Awaitable[None]]


class UnitOfWork(Protocol):
    """One transaction. Leaving it without a commit undoes it."""

    accounts: Accounts
    refresh_tokens: RefreshTokens
    attempts: Attempts
    erasures: Erasures
    idempotency: Idempotency

    async def commit(self) -> None:
        """Makes the changes last."""

    async def rollback(self) -> None:
        """Undoes the changes and begins anew."""


UnitOfWorkFactory = Callable[[], AbstractAsyncContextManager[UnitOfWork]]
