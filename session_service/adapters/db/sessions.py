"""Sessions in a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from session_service.adapters.db import tables
from session_service.adapters.db.learners import HEARD, hear
from session_service.adapters.db.rows import (
    ITEM_COLUMNS,
    SESSION_COLUMNS,
    answer_to_values,
    changes_to_values,
    item_to_values,
    journal_to_values,
    key_of,
    session_from_row,
    session_to_values,
)
from session_service.application.ports.sessions import SessionRef, Sessions, Summary
from session_service.domain.answers import RecordedAnswer
from session_service.domain.drafts import text_digest
from session_service.domain.errors import EtagMismatchError, SessionNotFoundError
from session_service.domain.items import SessionItem
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change

_table = tables.practice_session

# Built once: making a statement of thirty columns takes longer than running it.
_ADD = (
    upsert(_table)
    .on_conflict_do_nothing(
        index_elements=["user_id", "open_slot"], index_where=_table.c.open_slot.is_not(None)
    )
    .returning(_table.c.id)
)
_MINE = select(*SESSION_COLUMNS, *HEARD).where(
    _table.c.user_id == bindparam("owner"), _table.c.id == bindparam("number")
)
_MINE_OF_PRODUCT = _MINE.where(_table.c.product == bindparam("of_product"))
_LOCK, _LOCK_OF_PRODUCT = (mine.with_for_update(of=_table) for mine in (_MINE, _MINE_OF_PRODUCT))
_LOCK_OPEN = (
    select(*SESSION_COLUMNS)
    .where(_table.c.user_id == bindparam("owner"), _table.c.open_slot == bindparam("slot"))
    .with_for_update()
)
_SAVE = update(_table).where(
    _table.c.user_id == bindparam("owner"),
    _table.c.id == bindparam("number"),
    _table.c.version == bindparam("before"),
)
_WRITE_JOURNAL = insert(tables.journal)
_ADD_ANSWERS = insert(tables.answer)


class SqlSessions(Sessions):
    """Sessions, their answers, drafts and messages."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, session: PracticeSession) -> PracticeSession | None:
        """Inserts a session; waits for a transaction that holds the same open slot."""
        number = (await self._connection.execute(_ADD, session_to_values(session))).scalar()
        return replace(session, id=number) if number is not None else None

    async def lock(self, user_id: int, ref: SessionRef) -> PracticeSession:
        """Selects a session of the user's for update."""
        statement = _LOCK_OF_PRODUCT if ref.product else _LOCK
        return await _select(self._connection, statement, user_id, ref)

    async def lock_open(self, user_id: int, open_slot: str) -> PracticeSession | None:
        """Selects the holder of an open slot for update."""
        row = (await self._connection.execute(_LOCK_OPEN, {"owner": user_id, "slot": open_slot})).first()
        return session_from_row(row) if row else None

    async def save(self, change: Change, *versions: PracticeSession) -> None:
        """Updates the version before these and writes them into the journal.

        The row is locked, so another version means a mistake of ours; the
        guard keeps it from becoming a lost write.
        """
        session, before = versions[-1], versions[0].version - 1
        which = {"owner": session.user_id, "number": session.id, "before": before}
        updated = await self._connection.execute(_SAVE, {**changes_to_values(session), **which})
        if updated.rowcount != 1:
            raise EtagMismatchError(session.etag)
        entries = [journal_to_values(change, version) for version in versions]
        await self._connection.execute(_WRITE_JOURNAL, entries)

    async def add_items(self, session: PracticeSession, items: Sequence[SessionItem]) -> None:
        """Inserts the picked items in one statement."""
        rows = [item_to_values(session, item) for item in items]
        await self._connection.execute(insert(tables.session_item), rows)

    async def items(self, session: PracticeSession, items: Iterable[str]) -> Mapping[str, SessionItem]:
        """Selects picked items by name."""
        table = tables.session_item
        statement = select(*ITEM_COLUMNS).where(of_session(table, session), table.c.item.in_(list(items)))
        return {row.item: SessionItem(*row) for row in await self._connection.execute(statement)}

    async def update_items(self, session: PracticeSession, items: Sequence[SessionItem]) -> None:
        """Updates the picked items that were answered."""
        table = tables.session_item
        for item in items:
            await self._connection.execute(
                update(table)
                .where(of_session(table, session), table.c.position == item.position)
                .values(
                    correct_answer=item.correct_answer,
                    attempt_count=item.attempt_count,
                    correct_attempt_count=item.correct_attempt_count,
                )
            )

    async def next_item(self, session: PracticeSession) -> SessionItem | None:
        """Selects the first picked item without an answer."""
        table = tables.session_item
        statement = select(*ITEM_COLUMNS).where(of_session(table, session), table.c.attempt_count == 0)
        row = (await self._connection.execute(statement.order_by(table.c.position).limit(1))).first()
        return SessionItem(*row) if row else None

    async def answers(
        self, session: PracticeSession, answer_ids: Iterable[str]
    ) -> Mapping[str, RecordedAnswer]:
        """Selects answers by their clients' ids."""
        table = tables.answer
        statement = select(table).where(of_session(table, session), table.c.answer_id.in_(list(answer_ids)))
        rows = await self._connection.execute(statement)
        return {
            row.answer_id: RecordedAnswer(
                answer_id=row.answer_id,
                item=row.item,
                text=row.text,
                time_taken=row.time_taken,
                correct=row.correct,
                correct_answer=row.correct_answer,
                feedback=row.feedback,
            )
            for row in rows
        }

    async def add_answers(
        self, session: PracticeSession, answers: Sequence[RecordedAnswer], at: datetime
    ) -> None:
        """Inserts answers in one statement."""
        first = session.answer_count - len(answers) + 1
        rows = [
            answer_to_values(session, position, answer, at)
            for position, answer in enumerate(answers, start=first)
        ]
        await self._connection.execute(_ADD_ANSWERS, rows)

    async def summary(self, user_id: int, product: str) -> Summary:
        """Selects the totals in the transaction, which has counted its own sessions."""
        return await select_summary(self._connection, user_id, product)

    async def open_count(self, user_id: int) -> int:
        """Counts a user's open sessions."""
        statement = select(func.count()).where(_table.c.user_id == user_id, _table.c.ended_at.is_(None))
        return int((await self._connection.execute(statement)).scalar_one())

    async def conversation_bytes(self, user_id: int) -> int:
        """Adds up the sizes that the sessions keep."""
        total = select(func.coalesce(func.sum(_table.c.message_bytes), 0))
        mine = total.where(_table.c.user_id == user_id, _table.c.message_bytes > 0)
        return int((await self._connection.execute(mine)).scalar_one())

    async def put_draft(self, session: PracticeSession, content: str) -> None:
        """Inserts or replaces the draft."""
        digest = text_digest(session.draft_hash, content.encode())
        values = {"content": content, "content_hash": session.draft_hash, "text_digest": digest}
        statement = upsert(tables.draft).values(**key_of(session), **values)
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["user_id", "session_id"], set_=values)
        )

    async def add_message(self, session: PracticeSession, message: Message) -> None:
        """Inserts a line of the conversation."""
        await self._connection.execute(
            insert(tables.message).values(
                **key_of(session),
                position=message.position,
                role=message.role,
                content=message.content,
                created_at=message.created_at,
            )
        )

    async def draft(self, session: PracticeSession) -> str | None:
        """Selects the draft."""
        table = tables.draft
        statement = select(table.c.content).where(of_session(table, session))
        content: str | None = (await self._connection.execute(statement)).scalar()
        return content

    async def messages(self, session: PracticeSession) -> Sequence[Message]:
        """Selects the conversation."""
        table = tables.message
        statement = (
            select(table.c.position, table.c.role, table.c.content, table.c.created_at)
            .where(of_session(table, session))
            .order_by(table.c.position)
        )
        return [Message(*row) for row in await self._connection.execute(statement)]


def of_session(table: Table, session: PracticeSession) -> ColumnElement[bool]:
    """Returns the condition on a table's rows to belong to a session."""
    return (table.c.user_id == session.user_id) & (table.c.session_id == session.id)


def _to_parameters(user_id: int, ref: SessionRef) -> dict[str, Any]:
    names = {"owner": user_id, "number": ref.id}
    return {**names, "of_product": ref.product} if ref.product else names


async def select_session(connection: AsyncConnection, user_id: int, ref: SessionRef) -> PracticeSession:
    """Returns one session of a user's. Raises SessionNotFoundError."""
    return await _select(connection, _MINE_OF_PRODUCT if ref.product else _MINE, user_id, ref)


async def _select(
    connection: AsyncConnection, statement: Select[Any], user_id: int, ref: SessionRef
) -> PracticeSession:
    row = (await connection.execute(statement, _to_parameters(user_id, ref))).first()
    if row is None:
        raise await session_missing(connection, ref)
    return _check_second(heard_session(row), ref)


def heard_session(row: Sequence[Any]) -> PracticeSession:
    """Returns a session of the caller's from SESSION_COLUMNS, and notes what `heard_of` says after them."""
    *columns, last_seq, time_zone = row
    hear(last_seq, time_zone)
    return session_from_row(columns)


def is_meant(session: PracticeSession, ref: SessionRef) -> bool:
    """Tells whether a session of that number is the one meant."""
    if ref.product not in ("", session.product):
        return False
    return ref.second is None or int(session.started_at.timestamp()) == ref.second


def _check_second(session: PracticeSession, ref: SessionRef) -> PracticeSession:
    """Returns the session if it is the one meant. Raises SessionNotFoundError."""
    if not is_meant(session, ref):
        raise SessionNotFoundError(ref.id)
    return session


async def select_summary(connection: AsyncConnection, user_id: int, product: str) -> Summary:
    """Returns what is counted and added up of a user's sessions of a product."""
    total = tables.session_total.c
    statement = select(total.started, total.completed, total.completed_seconds)
    found = await connection.execute(statement.where(total.user_id == user_id, total.product == product))
    row = found.first()
    return Summary(*row) if row else Summary(0, 0, 0)


async def session_missing(connection: AsyncConnection, ref: SessionRef) -> SessionNotFoundError:
    """Returns the error for a session that the user does not have; it knows whether another one does."""
    table = tables.practice_session
    statement = select(table.c.started_at).where(table.c.id == ref.id)
    if ref.product:
        statement = statement.where(table.c.product == ref.product)
    started_at = (await connection.execute(statement)).scalar()
    meant = started_at is not None and ref.second in (None, int(started_at.timestamp()))
    return SessionNotFoundError(ref.id, foreign=meant)
