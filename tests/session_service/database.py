"""The use cases on a real database, with a catalog that knows everything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.call import Call
from session_service.adapters.db import tables
from session_service.adapters.db.answers import SqlAnswerStore
from session_service.adapters.db.changes import SqlChangeStore
from session_service.adapters.db.combined import Connections, RecentSessions
from session_service.adapters.db.drafts import SqlDraftStore
from session_service.adapters.db.learners import SqlCalendarReaders
from session_service.adapters.db.products import SqlProducts
from session_service.adapters.db.readers import SqlReaders
from session_service.adapters.db.starts import SqlStartStore
from session_service.adapters.db.submissions import SqlSubmissionReaders
from session_service.adapters.db.workspaces import SqlWorkspaceReaders
from session_service.adapters.events import encode
from session_service.adapters.signals import JournalSignals
from session_service.application.account_limits import AccountLimits
from session_service.application.ports.catalog import Content
from session_service.application.ports.outbox import Outgoing
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.statistics import Verdicts
from session_service.application.session_changes import SessionChanges
from session_service.application.start_session import CombinedStarts
from session_service.application.submit_answers import CombinedAnswers
from session_service.domain.achievements import Achievement
from session_service.domain.grading import AnswerKey
from session_service.domain.items import ContentItem
from session_service.offline.sql import SqlOfflineUnitOfWork
from session_service.offline.use_cases import SyncSessions
from session_service.wiring import Ports
from tests.session_service.use_cases import UseCases
from tests.waiting import PATIENCE_SECONDS


class EverythingCatalog:
    """Has all content there can be; the answer to every item is `hable`."""

    async def answer_keys(self, items: Iterable[str]) -> Mapping[str, AnswerKey]:
        return {item: AnswerKey(item, ("hable",)) for item in items}

    async def content(self, name: str) -> Content | None:
        return Content(name, name.title(), "flashcards")

    async def find_contents(self, names: Iterable[str]) -> Mapping[str, Content]:
        return {name: Content(name, name.title(), "flashcards") for name in names}

    async def content_items(self, content: str) -> Sequence[ContentItem]:
        return [ContentItem(f"words/{n}", f"word {n}", frozenset({"medium"})) for n in range(1, 31)]

    async def achievements(self, product: str) -> Sequence[Achievement]:
        return []


class NoRates:
    """Implements ports.RateLimits for who is not limited."""

    def within(self, *_: object) -> Any:
        raise AssertionError("nobody is limited here")


class PunctualStatistics:
    """Has always counted everything."""

    async def caught_up(self, user_id: int, user_seq: int) -> bool:
        return True

    async def verdicts(self, event_ids: Sequence[UUID]) -> Verdicts | None:
        return None


class Told:
    """Remembers what came out of commits."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.session_ids: list[int] = []

    def publish(self, events: list[Outgoing]) -> None:
        self.published += events

    def wake_watchers(self, session_ids: list[int]) -> None:
        self.session_ids += session_ids


class Database:
    """The service's use cases on a database, and a look at its tables."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.told = Told()
        self.connections = Connections(engine.url.render_as_string(hide_password=False), 4)
        self.recent = RecentSessions()
        self.answers = SqlAnswerStore(self.connections, self.told, self.recent)
        self.starts = SqlStartStore(self.connections, self.recent)
        self.changes = SqlChangeStore(self.connections, encode, self.told, timedelta(seconds=5), self.recent)
        self.readers = SqlReaders(engine)
        self.calendars = SqlCalendarReaders(engine)
        self.products = SqlProducts(engine)
        limits = AccountLimits(NoRates(), self.readers)
        self.sync_sessions = SyncSessions(
            self.unit_of_work,
            self.products,
            EverythingCatalog(),
            PunctualStatistics(),
            lambda: datetime.now(UTC),
            max_age=timedelta(days=30),
            limits=limits,
        )
        self.use = UseCases(
            Ports(
                unit_of_work=self.unit_of_work,
                combined_starts=CombinedStarts(self.starts),
                combined_answers=CombinedAnswers(self.answers, lambda: datetime.now(UTC)),
                changes=SessionChanges(self.unit_of_work, self.changes, lambda: datetime.now(UTC)),
                readers=self.readers,
                drafts=SqlDraftStore(self.connections, self.told),
                submissions=SqlSubmissionReaders(engine),
                workspaces=SqlWorkspaceReaders(engine),
                calendars=self.calendars,
                products=self.products,
                catalog=EverythingCatalog(),
                statistics=PunctualStatistics(),
                signals=JournalSignals(),
                clock=lambda: datetime.now(UTC),
                run_in_thread=asyncio.to_thread,
                limits=limits,
            )
        )

    def unit_of_work(self) -> SqlOfflineUnitOfWork:
        return SqlOfflineUnitOfWork(self.engine, encode, self.told, timedelta(seconds=5))

    async def count(self, table: str, **equal: object) -> int:
        source = tables.metadata.tables[f"session.{table}"]
        statement = select(func.count()).select_from(source).filter_by(**equal)
        async with self.engine.connect() as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def column(self, table: str, name: str, **equal: object) -> list[object]:
        """The values of a column, sorted."""
        source = tables.metadata.tables[f"session.{table}"]
        async with self.engine.connect() as connection:
            rows = await connection.execute(
                select(source.c[name]).filter_by(**equal).order_by(source.c[name])
            )
            return list(rows.scalars())

    async def until_waiting(self, calls: int) -> None:
        """Returns once so many connections wait for somebody's lock."""
        statement = text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        async with asyncio.timeout(PATIENCE_SECONDS), self.engine.connect() as connection:
            while (await connection.execute(statement)).scalar_one() < calls:
                await connection.rollback()
                await asyncio.sleep(0.01)

    async def started(self, user_id: int, product: str = "exercises") -> SessionRef:
        planned = 1500 if product == "focus" else None
        started = await self.use.start_session(Call(user_id), product=product, planned_seconds=planned)
        return SessionRef(started.session.id)
