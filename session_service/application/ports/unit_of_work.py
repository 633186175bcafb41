"""One transaction, with everything a command changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from service_kit.once import Idempotency
from session_service.application.ports.learners import Learners
from session_service.application.ports.outbox import Outbox
from session_service.application.ports.sessions import Sessions
from session_service.application.ports.submissions import Submissions


class UnitOfWork(Protocol):
    """One transaction. Leaving it without a commit undoes everything."""

    sessions: Sessions
    submissions: Submissions
    learners: Learners
    outbox: Outbox
    idempotency: Idempotency

    async def __aenter__(self) -> UnitOfWork: ...

    async def __aexit__(self, *exc_info: object) -> None: ...

    async def commit(self) -> None:
        """Makes the work durable, then publishes its events."""


UnitOfWorkFactory = Callable[[], UnitOfWork]
