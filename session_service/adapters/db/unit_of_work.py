"""One transaction of the session database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from operator import itemgetter
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service_kit.db.faults import is_erased
from service_kit.db.idempotency import IdempotencyRecord
from service_kit.errors import AccountErasedError
from service_kit.once import Idempotency
from service_kit.request_ids import current_request_id
from session_service.adapters.db import tables
from session_service.adapters.db.arrays import ArrayInsert
from session_service.adapters.db.learners import SqlLearners
from session_service.adapters.db.rows import event_to_values
from session_service.adapters.db.sessions import SqlSessions
from session_service.adapters.db.submissions import SqlSubmissions
from session_service.application.ports.learners import Learners
from session_service.application.ports.outbox import Outbox, Outgoing
from session_service.application.ports.sessions import Sessions
from session_service.application.ports.submissions import Submissions
from session_service.application.ports.unit_of_work import UnitOfWork
from session_service.domain.events import Event
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change

_EVENT = ("event_id", "user_id", "user_seq", "aggregate_id", "kind", "payload")
_ADD_EVENTS = ArrayInsert(
    tables.outbox,
    [*_EVENT, "request_id", "next_attempt_at"],
    computed={"next_attempt_at": ("interval", "now() + {}")},
)
_event_values = itemgetter(*_EVENT)


class AfterCommit(Protocol):
    """What is told once a transaction is durable. Never blocks, never raises."""

    def publish(self, events: list[Outgoing]) -> None:
        """Takes committed events."""

    def wake_watchers(self, session_ids: list[int]) -> None:
        """Takes the numbers of changed sessions."""


class _Outbox(Outbox):
    """The events of a transaction."""

    def __init__(
        self, connection: AsyncConnection, encode: Callable[[Event], bytes], first_wait: timedelta
    ) -> None:
        self._connection = connection
        self._encode = encode
        self._first_wait = first_wait
        self.added: list[Outgoing] = []

    async def add(self, *events: Event) -> None:
        """Inserts events; the relay looks after those that are not confirmed by then."""
        if not events:
            return
        request_id = current_request_id()
        rows = [event_to_values(event, self._encode) for event in events]
        made_by = (request_id, self._first_wait)
        await _ADD_EVENTS(self._connection, [(*_event_values(row), *made_by) for row in rows])
        self.added += [
            Outgoing(
                row["event_id"], row["kind"], row["payload"], request_id, row["user_id"], row["user_seq"]
            )
            for row in rows
        ]


class _Sessions(SqlSessions):
    """Remembers which sessions were changed, for those who watch them."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.changed: list[int] = []

    async def save(self, change: Change, *versions: PracticeSession) -> None:
        """Saves and remembers."""
        await super().save(change, *versions)
        self.changed.append(versions[-1].id)


class SqlUnitOfWork(UnitOfWork):
    """One transaction on one pooled connection."""

    sessions: Sessions
    submissions: Submissions
    learners: Learners
    outbox: Outbox
    idempotency: Idempotency

    def __init__(
        self,
        engine: AsyncEngine,
        encode: Callable[[Event], bytes],
        after_commit: AfterCommit,
        first_wait: timedelta,
    ) -> None:
        self._engine = engine
        self._encode = encode
        self._after_commit = after_commit
        self._first_wait = first_wait

    async def __aenter__(self) -> SqlUnitOfWork:
        self.connection = await self._engine.connect()
        self._changed = self.sessions = _Sessions(self.connection)
        self._events = self.outbox = _Outbox(self.connection, self._encode, self._first_wait)
        self.submissions = SqlSubmissions(self.connection)
        self.learners = SqlLearners(self.connection)
        self.idempotency = IdempotencyRecord(self.connection, tables.idempotency)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.connection.close()
        for error in exc_info:
            if isinstance(error, BaseException) and is_erased(error):
                raise AccountErasedError from error

    async def commit(self) -> None:
        """Commits, then hands on what happened."""
        await self.connection.commit()
        self._after_commit.publish(self._events.added)
        self._after_commit.wake_watchers(self._changed.changed)
