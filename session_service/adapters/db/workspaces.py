"""Reads of sessions with what is being worked on in them."""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service_kit.db.engines import single_statements
from session_service.adapters.db import tables
from session_service.adapters.db.readers import one_moment, select_sessions
from session_service.adapters.db.sessions import select_session
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.workspaces import Workspace, WorkspaceReaders
from session_service.domain.drafts import EMPTY_HASH
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession

_draft, _message = tables.draft, tables.message
_LINE = (_message.c.position, _message.c.role, _message.c.content, _message.c.created_at)


class SqlWorkspaceReaders(WorkspaceReaders):
    """Reads of sessions with their work, each of one moment."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._single = single_statements(engine)

    async def get(self, user_id: int, ref: SessionRef) -> Workspace:
        """Selects a session of the user's with its work."""
        async with one_moment(self._engine) as connection:
            session = await select_session(connection, user_id, ref)
            (workspace,) = await _add_work(connection, [session])
            return workspace

    async def of(self, session: PracticeSession) -> Workspace:
        """Selects the work of a session at hand, and of its conversation what it counts."""
        async with one_moment(self._engine) as connection:
            (workspace,) = await _add_work(connection, [session])
            return workspace

    async def messages(self, session: PracticeSession) -> Sequence[Message]:
        """Selects the conversation by its position."""
        mine = _of_any(_message, [session]) & (_message.c.position <= session.message_count)
        said = select(*_LINE).where(mine).order_by(_message.c.position)
        async with self._single.connect() as connection:
            return [Message(*line) for line in await connection.execute(said)]

    async def list(self, selection: SessionSelection, most_bytes: int) -> Sequence[Workspace]:
        """Weighs the work first, so that no more of it is read than is kept."""
        async with one_moment(self._engine) as connection:
            sessions = await select_sessions(connection, selection)
            weights = await _weights(connection, sessions)
            totals = list(accumulate(weights.get(session.id, 0) for session in sessions))
            kept = max(1, sum(total <= most_bytes for total in totals))
            return await _add_work(connection, sessions[:kept])


def _of_any(table: Table, sessions: Sequence[PracticeSession]) -> ColumnElement[bool]:
    """Returns the condition on a table's rows to belong to one of some sessions of a user's."""
    ids = [session.id for session in sessions]
    return (table.c.user_id == sessions[0].user_id) & table.c.session_id.in_(ids)


async def _weights(connection: AsyncConnection, sessions: Sequence[PracticeSession]) -> dict[int, int]:
    """Returns the bytes of the draft and conversation of those sessions that have any."""
    if not sessions:
        return {}
    weights: dict[int, int] = defaultdict(int)
    drafts = select(_draft.c.session_id, func.octet_length(_draft.c.content))
    lines = select(_message.c.session_id, func.sum(func.octet_length(_message.c.content)))
    for row in await connection.execute(drafts.where(_of_any(_draft, sessions))):
        weights[row[0]] += row[1]
    lines = lines.where(_of_any(_message, sessions)).group_by(_message.c.session_id)
    for row in await connection.execute(lines):
        weights[row[0]] += row[1]
    return weights


async def _add_work(
    connection: AsyncConnection, sessions: Sequence[PracticeSession]
) -> builtins.list[Workspace]:
    if not sessions:
        return []
    found = select(_draft.c.session_id, _draft.c.content, _draft.c.content_hash)
    rows = await connection.execute(found.where(_of_any(_draft, sessions)))
    drafts = {row.session_id: (row.content, row.content_hash) for row in rows}
    said = select(_message.c.session_id, *_LINE).where(_of_any(_message, sessions))
    messages: dict[int, builtins.list[Message]] = defaultdict(list)
    for number, *line in await connection.execute(said.order_by(_message.c.session_id, _message.c.position)):
        messages[number].append(Message(*line))
    return [
        Workspace(
            session,
            *drafts.get(session.id, ("{}", EMPTY_HASH)),
            messages[session.id][: session.message_count],
        )
        for session in sessions
    ]
