"""Reads that change nothing."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from session_service.adapters.db import tables
from session_service.adapters.db.rows import SESSION_COLUMNS, to_session
from session_service.adapters.db.sessions import select_session, session_missing
from session_service.application.ports import JournalEntry, Message, SessionRef, SessionSelection
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State

_EXPORT_CHUNK = 500


class SqlReaders:
    """Implements ports.Readers: one short connection a read."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self, user_id: int, ref: SessionRef) -> PracticeSession:
        """Selects a session of the user's."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select_session(user_id, ref))).first()
            if row is None:
                raise await session_missing(connection, ref)
        return to_session(row)

    async def active(self, user_id: int, product: str, content: str) -> PracticeSession | None:
        """Selects the newest open session, from the index of what is open."""
        table = tables.practice_session
        statement = select(*SESSION_COLUMNS).where(
            table.c.user_id == user_id, table.c.product == product, table.c.ended_at.is_(None)
        )
        if content:
            statement = statement.where(table.c.content == content)
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement.order_by(table.c.id.desc()).limit(1))).first()
        return to_session(row) if row else None

    async def list(self, selection: SessionSelection) -> Sequence[PracticeSession]:
        """Selects sessions by number, the newest first."""
        table = tables.practice_session
        statement = select(*SESSION_COLUMNS).where(table.c.user_id == selection.user_id)
        if selection.product:
            statement = statement.where(table.c.product == selection.product)
        if selection.content:
            statement = statement.where(table.c.content == selection.content)
        if selection.states:
            statement = statement.where(table.c.state.in_([state.value for state in selection.states]))
        if selection.started_from:
            statement = statement.where(table.c.started_at >= selection.started_from)
        if selection.started_before:
            statement = statement.where(table.c.started_at < selection.started_before)
        if selection.before_id is not None:
            statement = statement.where(table.c.id < selection.before_id)
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement.order_by(table.c.id.desc()).limit(selection.limit))
            return [to_session(row) for row in rows]

    async def draft(self, session_id: int) -> tuple[str, str] | None:
        """Selects the draft."""
        table = tables.draft
        statement = select(table.c.content, table.c.content_hash).where(table.c.session_id == session_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).first()
        return (row.content, row.content_hash) if row else None

    async def messages(self, session_id: int, after: int, limit: int) -> Sequence[Message]:
        """Selects lines of the conversation."""
        table = tables.message
        statement = (
            select(table.c.position, table.c.role, table.c.content, table.c.created_at)
            .where(table.c.session_id == session_id, table.c.position > after)
            .order_by(table.c.position)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [Message(*row) for row in await connection.execute(statement)]

    async def journal(self, session_id: int, after: int) -> Sequence[JournalEntry]:
        """Selects the journal after a version."""
        table = tables.journal
        statement = (
            select(table)
            .where(table.c.session_id == session_id, table.c.sequence > after)
            .order_by(table.c.sequence)
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement)
            return [
                JournalEntry(
                    sequence=row.sequence,
                    change=Change(row.change),
                    at=row.at,
                    state=State(row.state),
                    answer_count=row.answer_count,
                    correct_answer_count=row.correct_answer_count,
                    elapsed_seconds=row.elapsed_seconds,
                )
                for row in rows
            ]

    async def ended(self, user_id: int, after_session_id: int) -> AsyncIterator[PracticeSession]:
        """Selects ended sessions in chunks, each in a transaction of its own."""
        while chunk := await self._ended_chunk(user_id, after_session_id):
            for session in chunk:
                yield session
            after_session_id = chunk[-1].id

    async def _ended_chunk(self, user_id: int, after_session_id: int) -> builtins.list[PracticeSession]:
        table = tables.practice_session
        statement = (
            select(*SESSION_COLUMNS)
            .where(table.c.ended_at.is_not(None), table.c.id > after_session_id)
            .order_by(table.c.id)
            .limit(_EXPORT_CHUNK)
        )
        if user_id:
            statement = statement.where(table.c.user_id == user_id)
        async with self._engine.connect() as connection:
            return [to_session(row) for row in await connection.execute(statement)]
