"""Submissions: in a transaction, and reads of them."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from session_service.adapters.db import tables
from session_service.adapters.db.learners import HEARD, hear
from session_service.adapters.db.readers import one_moment
from session_service.application.ports.submissions import (
    SubmissionReaders,
    SubmissionRef,
    Submissions,
    SubmissionSelection,
)
from session_service.domain.errors import EtagMismatchError, SubmissionNotFoundError
from session_service.domain.messages import Message
from session_service.domain.submission import Feedback, Submission

_table = tables.submission
_FIELDS = [field.name for field in fields(Submission) if field.name != "messages"]
_CHANGING = ("document", "score", "elapsed_seconds", "status", "updated_at", "version")

COLUMNS = [_table.c[name] for name in _FIELDS]

# Built once, like the statements for sessions.
_MINE = select(*COLUMNS, *HEARD).where(
    _table.c.user_id == bindparam("owner"), _table.c.id == bindparam("number")
)
_SUBMITTED_AT = select(_table.c.submitted_at).where(_table.c.id == bindparam("number"))
_LOCK = _MINE.with_for_update(of=_table)
_SAVE = update(_table).where(
    _table.c.user_id == bindparam("owner"),
    _table.c.id == bindparam("number"),
    _table.c.version == bindparam("before"),
)
_ADD = insert(_table).returning(_table.c.id, *HEARD)
_ADD_MESSAGES = insert(tables.submission_message)

# A document can be a mebibyte, and a list shows none.
_LISTED = [literal("").label("document") if column.name == "document" else column for column in COLUMNS]


class SqlSubmissions(Submissions):
    """Submissions and their conversations."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, submission: Submission) -> Submission:
        """Inserts a submission and its conversation."""
        values = {name: getattr(submission, name) for name in _FIELDS if name not in ("id", "feedback")}
        stored = {**values, "feedback": asdict(submission.feedback), "owner": submission.user_id}
        number, *heard = (await self._connection.execute(_ADD, stored)).one()
        hear(*heard)
        numbered = replace(submission, id=number)
        if numbered.messages:
            lines = [_line_to_values(numbered, message) for message in numbered.messages]
            await self._connection.execute(_ADD_MESSAGES, lines)
        return numbered

    async def lock(self, user_id: int, ref: SubmissionRef) -> Submission:
        """Selects a submission of the user's for update."""
        return await _select(self._connection, _LOCK, user_id, ref)

    async def save(self, submission: Submission) -> None:
        """Updates the version before this one."""
        changes = {name: getattr(submission, name) for name in _CHANGING}
        updated = await self._connection.execute(
            _SAVE,
            {
                **changes,
                "feedback": asdict(submission.feedback),
                "owner": submission.user_id,
                "number": submission.id,
                "before": submission.version - 1,
            },
        )
        if updated.rowcount != 1:
            raise EtagMismatchError(submission.etag)

    async def add_message(self, submission: Submission, message: Message) -> None:
        """Inserts a line of the conversation."""
        await self._connection.execute(_ADD_MESSAGES, _line_to_values(submission, message))

    async def delete(self, submission: Submission) -> None:
        """Deletes a submission; its conversation goes with it."""
        this = (_table.c.user_id == submission.user_id) & (_table.c.id == submission.id)
        await self._connection.execute(delete(_table).where(this))


async def select_submission(connection: AsyncConnection, user_id: int, ref: SubmissionRef) -> Submission:
    """Returns one submission of a user's. Raises SubmissionNotFoundError."""
    return await _select(connection, _MINE, user_id, ref)


async def _select(
    connection: AsyncConnection, statement: Select[Any], user_id: int, ref: SubmissionRef
) -> Submission:
    row = (await connection.execute(statement, {"owner": user_id, "number": ref.id})).first()
    if row is None:
        raise await _submission_missing(connection, ref)
    *columns, last_seq, time_zone = row
    hear(last_seq, time_zone)
    return await _add_messages(connection, _check_second(submission_from_row(columns), ref))


async def select_newest_submission(
    connection: AsyncConnection, user_id: int, content: str
) -> Submission | None:
    """Returns a user's newest submission of a content."""
    mine = select(*COLUMNS).where(_table.c.user_id == user_id, _table.c.content == content)
    row = (await connection.execute(mine.order_by(_table.c.id.desc()).limit(1))).first()
    return await _add_messages(connection, submission_from_row(row)) if row else None


def submission_from_row(row: Iterable[Any]) -> Submission:
    """Returns a row of COLUMNS as a submission without its conversation."""
    values = dict(zip(_FIELDS, row, strict=True))
    feedback = {name: tuple(lines) for name, lines in values["feedback"].items()}
    return Submission(**{**values, "feedback": Feedback(**feedback)})


def _check_second(submission: Submission, ref: SubmissionRef) -> Submission:
    """Returns the submission if it is the one meant. Raises SubmissionNotFoundError."""
    if ref.second not in (None, int(submission.submitted_at.timestamp())):
        raise SubmissionNotFoundError(ref.id)
    return submission


async def _submission_missing(connection: AsyncConnection, ref: SubmissionRef) -> SubmissionNotFoundError:
    """Returns the error for a submission that the user does not have; it knows whether another one does."""
    submitted_at = (await connection.execute(_SUBMITTED_AT, {"number": ref.id})).scalar()
    meant = submitted_at is not None and ref.second in (None, int(submitted_at.timestamp()))
    return SubmissionNotFoundError(ref.id, foreign=meant)


async def _add_messages(connection: AsyncConnection, submission: Submission) -> Submission:
    table = tables.submission_message
    statement = (
        select(table.c.position, table.c.role, table.c.content, table.c.created_at)
        .where(table.c.user_id == submission.user_id, table.c.submission_id == submission.id)
        .order_by(table.c.position)
    )
    lines: Sequence[Message] = [Message(*row) for row in await connection.execute(statement)]
    return replace(submission, messages=tuple(lines))


def _line_to_values(submission: Submission, message: Message) -> dict[str, Any]:
    return {"user_id": submission.user_id, "submission_id": submission.id, **asdict(message)}


class SqlSubmissionReaders(SubmissionReaders):
    """Reads of submissions: one short connection a read."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self, user_id: int, ref: SubmissionRef) -> Submission:
        """Selects a submission of the user's."""
        async with one_moment(self._engine) as connection:
            return await select_submission(connection, user_id, ref)

    async def newest(self, user_id: int, content: str) -> Submission | None:
        """Selects the newest submission of a content."""
        async with one_moment(self._engine) as connection:
            return await select_newest_submission(connection, user_id, content)

    async def list(self, selection: SubmissionSelection) -> tuple[Sequence[Submission], int]:
        """Selects submissions by number, the newest first, and counts them."""
        mine = [_table.c.user_id == selection.user_id]
        if selection.content:
            mine.append(_table.c.content == selection.content)
        page = select(*_LISTED).where(*mine)
        if selection.before_id is not None:
            page = page.where(_table.c.id < selection.before_id)
        page = page.order_by(_table.c.id.desc()).limit(selection.limit).offset(selection.offset)
        async with one_moment(self._engine) as connection:
            found: builtins.list[Submission] = [
                submission_from_row(row) for row in await connection.execute(page)
            ]
            counted = await connection.execute(select(func.count()).select_from(_table).where(*mine))
            return found, int(counted.scalar_one())
