"""Drafts of sessions: a statement that reads one with its session, and one that writes what is new.

Each is a transaction by itself, so nothing is locked while a draft is read and hashed. What was read is
written over only where it still holds: the version of a session counts its changes.
"""

from __future__ import annotations

import asyncio
from operator import attrgetter, itemgetter
from typing import Any

from typing_extensions import override

from service_kit.call import Call
from session_service.adapters.db.combined import (
    SESSION,
    SESSION_WIDTH,
    CombinedStatements,
    Connections,
    key_to_values,
)
from session_service.adapters.db.rows import journal_to_values
from session_service.adapters.db.unit_of_work import AfterCommit
from session_service.application.ports.answers import NothingWrittenError
from session_service.application.ports.drafts import DraftChange, DraftStore, FoundDraft
from session_service.application.ports.sessions import SessionRef
from session_service.domain.drafts import StoredDraft, text_digest
from session_service.domain.states import Change

_READ = f"""
SELECT {SESSION},
  (SELECT last_seq FROM session.learner WHERE user_id = s.user_id),
  EXISTS (SELECT FROM session.idempotency AS used WHERE used.user_id = $1 AND used.key = $3::text),
  draft.content_hash, draft.text_digest, CASE WHEN draft.text_digest IS NULL THEN draft.content END
FROM session.practice_session AS s
LEFT JOIN session.draft ON (draft.user_id, draft.session_id) = (s.user_id, s.id)
WHERE s.user_id = $1 AND s.id = $2
"""  # noqa: S608 - names of columns

_WRITE = """
WITH ready AS MATERIALIZED (
  SELECT 1 FROM session.practice_session WHERE user_id = $1 AND id = $2 AND version = $3
  FOR NO KEY UPDATE SKIP LOCKED
), claimed AS (
  INSERT INTO session.idempotency (user_id, key, method, request_digest, outcome)
  SELECT $1, $4::text, $5::text, $6::bytea, $7::text::jsonb FROM ready WHERE $4::text IS NOT NULL
  ON CONFLICT DO NOTHING
  RETURNING 1
), written AS MATERIALIZED (
  SELECT 1 FROM ready WHERE $4::text IS NULL OR EXISTS (SELECT FROM claimed)
), changed AS (
  UPDATE session.practice_session SET
    version = $8, updated_at = $9, elapsed_seconds = $10, implausible = $11, active_since = $12,
    draft_hash = $13, draft_saved_at = $14
  WHERE user_id = $1 AND id = $2 AND EXISTS (SELECT FROM written)
), drawn AS (
  INSERT INTO session.draft (user_id, session_id, content, content_hash, text_digest)
  SELECT $1, $2, $15::text, $13, $25::bytea FROM written WHERE $15::text IS NOT NULL
  ON CONFLICT (user_id, session_id) DO UPDATE
    SET content = excluded.content, content_hash = excluded.content_hash, text_digest = excluded.text_digest
), entry AS (
  INSERT INTO session.journal (
    user_id, session_id, sequence, change, at, state, answer_count, correct_answer_count, elapsed_seconds,
    item_count, answered_item_count, mastered_item_count, right_run)
  SELECT $1, $2, $8, $16, $9, $17, $18::int, $19::int, $20::int, $21::int, $22::int, $23::int, $24::int
  FROM written
)
SELECT $2 FROM written
"""
_changed_values = attrgetter(
    "version",
    "updated_at",
    "elapsed_seconds",
    "implausible",
    "active_since",
    "draft_hash",
    "draft_saved_at",
)
_entry_values = itemgetter(
    "change",
    "state",
    "answer_count",
    "correct_answer_count",
    "elapsed_seconds",
    "item_count",
    "answered_item_count",
    "mastered_item_count",
    "right_run",
)


class SqlDraftStore(DraftStore):
    """Drafts by two statements, each a transaction by itself. What fails is left to a transaction."""

    def __init__(self, connections: Connections, after_commit: AfterCommit) -> None:
        self._statements = CombinedStatements(connections)
        self._after_commit = after_commit
        # Of the connections one at most: answers and ends wait for no crowd of drafts.
        self._turn = asyncio.Semaphore(1)

    @override
    async def read(self, call: Call, ref: SessionRef) -> FoundDraft | None:
        """Selects a session with its draft."""
        key = call.request.key if call.request is not None else None
        try:
            async with self._turn:
                rows = await self._statements.read(_READ, (call.user_id, ref.id, key))
        except NothingWrittenError:
            return None
        session = self._statements.session_from(rows[0], ref) if rows else None
        if session is None:
            return None
        last_seq, repeated, *stored = rows[0][SESSION_WIDTH:]
        return FoundDraft(session, _draft_of(*stored), last_seq or 0, repeated=repeated)

    @override
    async def write(self, call: Call, change: DraftChange, outcome_type: type[Any]) -> bool:
        """Updates the session, its draft and its journal, and keeps the outcome, all in one."""
        after, content, request = change.after, change.content, call.request
        keyed = key_to_values((request, after, outcome_type) if request is not None else None)
        values = (
            *(after.user_id, after.id, change.before.version),
            *keyed,
            *_changed_values(after),
            content,
            *_entry_values(journal_to_values(Change.DRAFT_SAVED, after)),
            None if content is None else text_digest(after.draft_hash, content.encode()),
        )
        try:
            async with self._turn:
                rows = await self._statements.write(_WRITE, values)
        except NothingWrittenError:
            return False
        self._after_commit.wake_watchers([row[0] for row in rows])
        return bool(rows)


def _draft_of(content_hash: str | None, digest: bytes | None, content: str | None) -> StoredDraft | None:
    """Returns a row's draft; the text is there where it was stored without a digest."""
    if content_hash is None:
        return None
    return StoredDraft(content_hash, digest or text_digest(content_hash, (content or "").encode()))
