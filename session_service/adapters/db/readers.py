"""Reads of sessions and of what is in them."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    DateTime,
    Integer,
    Row,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    func,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, array
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.types import TypeEngine

from service_kit.db.engines import single_statements
from session_service.adapters.db import tables
from session_service.adapters.db.learners import hear, heard_of
from session_service.adapters.db.rows import ITEM_COLUMNS, SESSION_COLUMNS, session_from_row
from session_service.adapters.db.sessions import heard_session, select_session, select_summary
from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.readers import History, JournalEntry, Readers, Report, SessionSelection
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.domain.days import DEFAULT_ZONE, Calendar
from session_service.domain.drafts import Draft
from session_service.domain.items import LONGEST_IN_AVERAGES_SECONDS, SessionItem
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import ENDED, Change, State

EXPORT_CHUNK = 500
# As many are skipped without asking first from which end to count.
NEAR = 1_000
_MARK = ("last_seq", "time_zone", "rollover_hour")
# The total and the mark.
_FIGURES = 1 + len(_MARK)
# What of a selection is a value in a statement, and no part of its text.
_VALUES: Mapping[str, TypeEngine[Any]] = {
    "user_id": BigInteger(),
    "product": Text(),
    "content": Text(),
    "started_from": DateTime(timezone=True),
    "started_before": DateTime(timezone=True),
    "limit": Integer(),
    "offset": Integer(),
}
_SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def one_moment(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Yields a connection whose every read sees the same commits."""
    async with engine.connect() as connection:
        yield await connection.execution_options(isolation_level="REPEATABLE READ")


class SqlReaders(Readers):
    """Reads of sessions: one short connection a read."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # A statement sees one moment by itself: no transaction is begun and ended around it.
        self._single = single_statements(engine)

    async def get(self, user_id: int, ref: SessionRef) -> PracticeSession:
        """Selects a session of the user's."""
        async with self._single.connect() as connection:
            return await select_session(connection, user_id, ref)

    async def active(self, user_id: int, product: str, content: str) -> PracticeSession | None:
        """Selects the newest open session, from the index of what is open."""
        table = tables.practice_session
        statement = select(*SESSION_COLUMNS, *heard_of(user_id)).where(
            table.c.user_id == user_id, table.c.product == product, table.c.ended_at.is_(None)
        )
        if content:
            statement = statement.where(table.c.content == content)
        async with self._single.connect() as connection:
            row = (await connection.execute(statement.order_by(table.c.id.desc()).limit(1))).first()
        return heard_session(row) if row else None

    async def list(self, selection: SessionSelection) -> Sequence[PracticeSession]:
        """Selects sessions by number, the newest first."""
        async with self._single.connect() as connection:
            return await select_sessions(connection, selection)

    async def learner_mark(self, user_id: int) -> LearnerMark:
        """Selects the user's row, if there is one yet."""
        async with self._single.connect() as connection:
            return await _mark(connection, user_id)

    async def history(self, selection: SessionSelection) -> History:
        """Selects all in one statement; of a page far from both ends the total first."""
        if selection.offset <= NEAR:
            async with self._single.connect() as connection:
                found = await connection.execute(_near_page(_shape(selection)), _values(selection))
                return _history_from_rows(found.all())
        async with one_moment(self._engine) as connection:
            (row,) = (await connection.execute(select(*_figures(selection)))).all()
            total, mark = _figures_from_row(row)
            page = _far_page(selection, total)
            rows = [] if page is None else (await connection.execute(page)).all()
            return History([session_from_row(row) for row in rows], total, mark)

    async def summary(self, user_id: int, product: str) -> Summary:
        """Selects a user's totals of a product."""
        async with self._single.connect() as connection:
            return await select_summary(connection, user_id, product)

    async def items(self, user_id: int, session_id: int) -> Sequence[SessionItem]:
        """Selects the picked items."""
        table = tables.session_item
        mine = (table.c.user_id == user_id) & (table.c.session_id == session_id)
        statement = select(*ITEM_COLUMNS).where(mine)
        async with self._single.connect() as connection:
            rows = await connection.execute(statement.order_by(table.c.position))
            return [SessionItem(*row) for row in rows]

    async def report(self, user_id: int, ref: SessionRef) -> tuple[PracticeSession, Report]:
        """Adds up the answers by item."""
        answer, item = tables.answer, tables.session_item
        picked = and_(*(item.c[name] == answer.c[name] for name in ("user_id", "session_id", "item")))
        of_session = (answer.c.user_id == user_id) & (answer.c.session_id == ref.id)
        statement = (
            select(
                func.coalesce(func.min(item.c.position), 0),
                answer.c.item,
                func.coalesce(func.min(item.c.prompt), ""),
                # The answer shown last: a catalog may have been corrected meanwhile.
                func.array_agg(aggregate_order_by(answer.c.correct_answer, answer.c.position.desc()))[1],
                func.count(),
                func.count().filter(answer.c.correct),
            )
            .select_from(answer.outerjoin(item, picked))
            .where(of_session)
            .group_by(answer.c.item)
            .order_by(func.min(answer.c.position))
        )
        mean = select(func.avg(answer.c.time_taken)).where(
            of_session, answer.c.time_taken <= LONGEST_IN_AVERAGES_SECONDS
        )
        async with one_moment(self._engine) as connection:
            session = await select_session(connection, user_id, ref)
            items = [SessionItem(*row) for row in await connection.execute(statement)]
            return session, Report(items, (await connection.execute(mean)).scalar_one())

    async def draft(self, user_id: int, session_id: int) -> Draft | None:
        """Selects the draft."""
        table = tables.draft
        mine = (table.c.user_id == user_id) & (table.c.session_id == session_id)
        statement = select(table.c.content, table.c.content_hash).where(mine)
        async with self._single.connect() as connection:
            row = (await connection.execute(statement)).first()
        return Draft(row.content, row.content_hash) if row else None

    async def messages(self, user_id: int, session_id: int, after: int, limit: int) -> Sequence[Message]:
        """Selects lines of the conversation."""
        table = tables.message
        statement = (
            select(table.c.position, table.c.role, table.c.content, table.c.created_at)
            .where(table.c.user_id == user_id, table.c.session_id == session_id, table.c.position > after)
            .order_by(table.c.position)
            .limit(limit)
        )
        async with self._single.connect() as connection:
            return [Message(*row) for row in await connection.execute(statement)]

    async def journal(self, user_id: int, session_id: int, after: int) -> Sequence[JournalEntry]:
        """Selects the journal after a version."""
        table = tables.journal
        statement = (
            select(table)
            .where(table.c.user_id == user_id, table.c.session_id == session_id, table.c.sequence > after)
            .order_by(table.c.sequence)
        )
        async with self._single.connect() as connection:
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
                    item_count=row.item_count,
                    answered_item_count=row.answered_item_count,
                    mastered_item_count=row.mastered_item_count,
                    right_run=row.right_run,
                )
                for row in rows
            ]

    async def versions(self, session_ids: Collection[int]) -> Mapping[int, int]:
        """Selects versions by number."""
        table = tables.practice_session
        statement = select(table.c.id, table.c.version).where(table.c.id == func.any(list(session_ids)))
        async with self._single.connect() as connection:
            return {row.id: row.version for row in await connection.execute(statement)}

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
            .limit(EXPORT_CHUNK)
        )
        if user_id:
            selection = SessionSelection(user_id=user_id)
            statement = _narrow(statement, selection).order_by(*_oldest_first(selection))
        else:
            statement = statement.order_by(table.c.id)
        async with self._single.connect() as connection:
            return [session_from_row(row) for row in await connection.execute(statement)]


_MARK_OF = select(*(tables.learner.c[name] for name in _MARK)).where(
    tables.learner.c.user_id == bindparam("user", type_=BigInteger)
)


async def _mark(connection: AsyncConnection, user_id: int) -> LearnerMark:
    row = (await connection.execute(_MARK_OF, {"user": user_id})).first()
    return _to_mark(*(row or (None, None, None)))


def _to_mark(last_seq: int | None, time_zone: str | None, rollover_hour: int | None) -> LearnerMark:
    """Returns the caller's mark, and notes what it says; of one never seen nothing is there."""
    hear(last_seq, time_zone)
    return LearnerMark(last_seq or 0, Calendar(time_zone or DEFAULT_ZONE, rollover_hour or 0))


async def select_sessions(connection: AsyncConnection, selection: SessionSelection) -> list[PracticeSession]:
    """Returns a selection of a user's sessions, newest first."""
    table = tables.practice_session
    columns = *SESSION_COLUMNS, *heard_of(selection.user_id)
    statement = _narrow(select(*columns), selection).order_by(*_newest_first(selection))
    if selection.before_id is not None:
        statement = statement.where(table.c.id < selection.before_id)
    rows = await connection.execute(statement.limit(selection.limit).offset(selection.offset))
    return [heard_session(row) for row in rows]


def _shape(selection: SessionSelection) -> SessionSelection:
    """Returns the same for all selections whose statements have the same text."""
    return SessionSelection(
        user_id=0,
        product=selection.product and "some",
        content=selection.content and "some",
        states=selection.states,
        started_from=selection.started_from and _SOME_TIME,
        started_before=selection.started_before and _SOME_TIME,
        limit=1,
        offset=min(selection.offset, 1),
    )


def _values(selection: SessionSelection) -> dict[str, Any]:
    return {f"selected_{name}": getattr(selection, name) for name in _VALUES}


def _value(selection: SessionSelection, name: str) -> BindParameter[Any]:
    """Returns a value of a selection, in place of which a statement may be given another's."""
    return bindparam(f"selected_{name}", getattr(selection, name), _VALUES[name])


@cache
def _near_page(selection: SessionSelection) -> Select[Any]:
    """Returns the statement for a part of a history with its figures: a row a session, at least one.

    It is made once a shape: that takes longer than all else of a page does.
    """
    table, order = tables.practice_session, _newest_first(selection)
    if selection.offset:
        numbers = _narrow(select(table.c.id), selection).order_by(*order)
        numbers = numbers.offset(_value(selection, "offset")).limit(_value(selection, "limit"))
        page = _chosen(selection, numbers)
    else:
        page = _narrow(select(*SESSION_COLUMNS), selection).order_by(*order)
        page = page.limit(_value(selection, "limit"))
    part = page.subquery("page")
    figures = select(*_figures(selection)).subquery("figures")
    rows = select(figures, part).select_from(figures.outerjoin(part, true()))
    return rows.order_by(part.c.id.desc())


def _history_from_rows(rows: Sequence[Row[Any]]) -> History:
    """Returns rows of _near_page as a history."""
    total, mark = _figures_from_row(rows[0])
    sessions = [tuple(row)[_FIGURES:] for row in rows if row.id is not None]
    return History([session_from_row(session) for session in sessions], total, mark)


def _far_page(selection: SessionSelection, total: int) -> Select[Any] | None:
    """Returns the statement for a part of a history, from the end it is nearer to; None for no part."""
    rest = total - selection.offset
    limit = min(selection.limit, rest)
    if limit <= 0:
        return None
    numbers = _numbers(selection).limit(limit)
    if selection.offset <= rest:
        numbers = numbers.order_by(*_newest_first(selection)).offset(selection.offset)
    else:
        numbers = numbers.order_by(*_oldest_first(selection)).offset(rest - limit)
    return _chosen(selection, numbers).order_by(tables.practice_session.c.id.desc())


def _chosen(selection: SessionSelection, numbers: Select[Any]) -> Select[Any]:
    """Returns the statement for a part of a selection. What is skipped is not read but for its number."""
    table = tables.practice_session
    mine = table.c.user_id == _value(selection, "user_id")
    return select(*SESSION_COLUMNS).where(mine, table.c.id.in_(numbers))


def _numbers(selection: SessionSelection) -> Select[Any]:
    """Returns the statement for the numbers of a selection, out of an index alone where one tells them.

    Which have ended is told by no index of a user's; which have not is told by one of few.
    """
    table = tables.practice_session
    if selection.states != ENDED:
        return _narrow(select(table.c.id), selection)
    numbers = _narrow(select(table.c.id), replace(selection, states=frozenset()))
    return numbers.where(table.c.id.not_in(numbers.where(table.c.ended_at.is_(None))))


def _figures(selection: SessionSelection) -> list[ColumnElement[Any]]:
    """Returns the total of a selection and the user's mark, nothing for who has none."""
    table = tables.learner
    user = _value(selection, "user_id")
    mine = [select(table.c[name]).where(table.c.user_id == user) for name in _MARK]
    marked = [column.scalar_subquery().label(name) for name, column in zip(_MARK, mine, strict=True)]
    return [_total(selection).label("total"), *marked]


def _figures_from_row(row: Row[Any]) -> tuple[int, LearnerMark]:
    total, *mark = row[:_FIGURES]
    return int(total), _to_mark(*mark)


def _total(selection: SessionSelection) -> ColumnElement[int]:
    """Returns how many sessions a selection has: what is kept by product, where it narrows no further."""
    total = tables.session_total.c
    kept = {frozenset[State](): total.started, ENDED: total.ended}.get(selection.states)
    narrower = selection.content or selection.started_from or selection.started_before
    if kept is None or narrower:
        counted = _narrow(select(func.count()).select_from(tables.practice_session), selection)
        return counted.scalar_subquery()
    user = _value(selection, "user_id")
    mine = select(func.coalesce(func.sum(kept), 0)).where(total.user_id == user)
    if selection.product:
        mine = mine.where(total.product == _value(selection, "product"))
    return mine.scalar_subquery()


def _newest_first(selection: SessionSelection) -> Sequence[ColumnElement[Any]]:
    """Returns the order of the index that has what a selection is out of."""
    table = tables.practice_session.c
    if selection.product:
        return table.user_id, table.product, table.id.desc()
    return table.user_id.desc(), table.id.desc()


def _oldest_first(selection: SessionSelection) -> Sequence[ColumnElement[Any]]:
    """Returns the same from its other end."""
    table = tables.practice_session.c
    if selection.product:
        return table.user_id.desc(), table.product.desc(), table.id
    return table.user_id, table.id


def _narrow(statement: Select[Any], selection: SessionSelection) -> Select[Any]:
    """Returns the statement for what a selection selects, in no order.

    One user and one product are selected as if they were several. Of one, the planner knows that
    numbers alone are the order, and goes down the numbers of everybody for who has many.
    """
    table = tables.practice_session
    statement = statement.where(table.c.user_id == any_(array([_value(selection, "user_id")])))
    if selection.product:
        # Not as the user: before PostgreSQL 17 only the first column of an index keeps its order so.
        product = _value(selection, "product")
        statement = statement.where(table.c.product.between(product, product))
    if selection.content:
        statement = statement.where(table.c.content == _value(selection, "content"))
    if selection.states:
        statement = statement.where(table.c.state.in_([state.value for state in selection.states]))
    if selection.started_from:
        statement = statement.where(table.c.started_at >= _value(selection, "started_from"))
    if selection.started_before:
        statement = statement.where(table.c.started_at < _value(selection, "started_before"))
    return statement
