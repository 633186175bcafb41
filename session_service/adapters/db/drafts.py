"""Drafts of sessions: a statement that reads one with its session, and one that writes what is new of many.

Each is a transaction by itself, so nothing is locked while a draft is read and hashed. What was read is
written over only where it still holds: the version of a session counts its changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from cachetools import TTLCache
from typing_extensions import override

from service_kit.call import Call
from service_kit.combiner import Combiner
from session_service.adapters.db.combined import (
    SESSION,
    SESSION_WIDTH,
    CombinedStatements,
    Connections,
    key_to_values,
    to_arrays,
    to_columns,
)
from session_service.adapters.db.sessions import is_meant
from session_service.adapters.db.unit_of_work import AfterCommit
from session_service.application.ports.answers import NothingWrittenError
from session_service.application.ports.drafts import DraftChange, DraftStore, FoundDraft
from session_service.application.ports.sessions import SessionRef
from session_service.domain.drafts import StoredDraft, text_digest
from session_service.domain.states import Change

# Sessions that were saved last, of a few kilobytes each, and for how long they are known.
_REMEMBERED, _REMEMBERED_SECONDS = 1_000, 300
# Of a lot, in bytes: texts, and what each change has besides, which is far less.
_MOST_BYTES, _BESIDES_BYTES = 512 * 1024, 8 * 1024

_READ = f"""
SELECT {SESSION},
  (SELECT last_seq FROM session.learner WHERE user_id = s.user_id),
  EXISTS (SELECT FROM session.idempotency AS used WHERE used.user_id = $1 AND used.key = $3::text),
  draft.content_hash, draft.text_digest, CASE WHEN draft.text_digest IS NULL THEN draft.content END
FROM session.practice_session AS s
LEFT JOIN session.draft ON (draft.user_id, draft.session_id) = (s.user_id, s.id)
WHERE s.user_id = $1 AND s.id = $2
"""  # noqa: S608 - names of columns

# Of each change: the version that it follows, the session after it, and its place among the texts, which are
# large: rows that carry them along are copied again and again.
_ROW = {
    "user_id": "bigint",
    "session_id": "bigint",
    "before": "bigint",
    "before_at": "timestamptz",
    "version": "bigint",
    "updated_at": "timestamptz",
    "elapsed_seconds": "int",
    "implausible": "bool",
    "active_since": "timestamptz",
    "draft_hash": "text",
    "draft_saved_at": "timestamptz",
    "worked_seconds": "int",
    "text_digest": "bytea",
    "place": "int",
}
_KEY = {"key": "text", "method": "text", "digest": "bytea", "outcome": "text"}


@cache
def _write(*, keyed: bool) -> str:
    """Returns the statement that writes; what no change of the lot needs is not in it."""
    row = {**_ROW, **_KEY} if keyed else _ROW
    claims, is_claimed = "", ""
    if keyed:
        is_claimed = " WHERE key IS NULL OR (user_id, key) IN (SELECT user_id, key FROM claimed)"
        claims = """, claimed AS (
  INSERT INTO session.idempotency (user_id, key, method, request_digest, outcome)
  SELECT user_id, key, method, digest, outcome::jsonb FROM ready WHERE key IS NOT NULL
  ON CONFLICT DO NOTHING
  RETURNING user_id, key
)"""
    change, texts = len(row) + 1, f"${len(row) + 2}::text[]"
    return f"""
WITH ready AS MATERIALIZED (
  SELECT given.*, s.state, s.answer_count, s.correct_answer_count, s.item_count, s.answered_item_count,
    s.mastered_item_count, s.right_run
  FROM unnest({to_arrays(row.values())}) AS given ({", ".join(row)})
  JOIN session.practice_session AS s ON (s.user_id, s.id) = (given.user_id, given.session_id)
  WHERE (s.version, s.updated_at) = (given.before, given.before_at)
  ORDER BY s.id
  FOR NO KEY UPDATE OF s SKIP LOCKED
){claims}, written AS MATERIALIZED (
  SELECT * FROM ready{is_claimed}
), changed AS (
  UPDATE session.practice_session AS s SET
    version = w.version, updated_at = w.updated_at, elapsed_seconds = w.elapsed_seconds,
    implausible = w.implausible, active_since = w.active_since, draft_hash = w.draft_hash,
    draft_saved_at = w.draft_saved_at
  FROM written AS w WHERE (s.user_id, s.id) = (w.user_id, w.session_id)
), drawn AS (
  INSERT INTO session.draft (user_id, session_id, content, content_hash, text_digest)
  SELECT user_id, session_id, ({texts})[place], draft_hash, text_digest
  FROM written WHERE ({texts})[place] IS NOT NULL
  ON CONFLICT (user_id, session_id) DO UPDATE
    SET content = excluded.content, content_hash = excluded.content_hash, text_digest = excluded.text_digest
), entries AS (
  INSERT INTO session.journal (
    user_id, session_id, sequence, change, at, state, answer_count, correct_answer_count, elapsed_seconds,
    item_count, answered_item_count, mastered_item_count, right_run)
  SELECT user_id, session_id, version, ${change}::text, updated_at, state, answer_count,
    correct_answer_count, worked_seconds, item_count, answered_item_count, mastered_item_count, right_run
  FROM written
)
SELECT session_id, (SELECT last_seq FROM session.learner WHERE user_id = written.user_id) FROM written
"""  # noqa: S608 - names of columns


@dataclass(frozen=True, slots=True)
class _Asked:
    """A change that a caller asks for, and the type of its outcome."""

    call: Call
    change: DraftChange
    outcome_type: type[Any]
    stored: StoredDraft | None

    @property
    def weight(self) -> int:
        return _BESIDES_BYTES + len(self.change.content or "")


class SqlDraftStore(DraftStore):
    """Drafts by two statements, each a transaction by itself. What fails is left to a transaction."""

    def __init__(self, connections: Connections, after_commit: AfterCommit) -> None:
        self._statements = CombinedStatements(connections)
        self._after_commit = after_commit
        # Of the connections one at most: answers and ends wait for no crowd of drafts.
        self._turn = asyncio.Semaphore(1)
        self._combine = Combiner(self._write_all, most=_MOST_BYTES, weigh=lambda asked: asked.weight)
        self._kept: TTLCache[tuple[int, int], FoundDraft] = TTLCache(_REMEMBERED, _REMEMBERED_SECONDS)

    @override
    def recall(self, call: Call, ref: SessionRef) -> FoundDraft | None:
        """Looks into this process's memory."""
        kept = self._kept.get((call.user_id, ref.id))
        return kept if kept is not None and is_meant(kept.session, ref) else None

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
        repeated, *stored = rows[0][SESSION_WIDTH + 1 :]
        return FoundDraft(session, _draft_of(*stored), repeated=repeated)

    @override
    async def write(self, call: Call, change: DraftChange, outcome_type: type[Any]) -> int | None:
        """Updates the session, its draft and its journal, and keeps the outcome, all in one."""
        after, content, stored = change.after, change.content, change.stored
        # Until it is known what became of it.
        self._kept.pop((after.user_id, after.id), None)
        if content is not None:
            stored = StoredDraft(after.draft_hash, text_digest(after.draft_hash, content.encode()))
        try:
            last_seq = await self._combine(_Asked(call, change, outcome_type, stored))
        except NothingWrittenError:
            return None
        if last_seq is not None:
            self._kept[after.user_id, after.id] = FoundDraft(after, stored, remembered=True)
        return last_seq

    async def _write_all(self, asked: Sequence[_Asked]) -> Sequence[int | None]:
        """Writes a lot; of several who change one session, or use one key, only the first may be right."""
        first = _first_of(asked)
        keyed = any(each.call.request is not None for each in first.values())
        texts = [each.change.content for each in first.values()]
        try:
            columns = to_columns(0, [_to_row(*each, keyed) for each in enumerate(first.values(), 1)])
        except Exception as error:
            # Whose it was shows when each is saved alone.
            raise NothingWrittenError from error
        async with self._turn:
            rows = await self._statements.write(
                _write(keyed=keyed), (*columns, Change.DRAFT_SAVED.value, texts)
            )
        written = {session_id: last_seq or 0 for session_id, last_seq in rows}
        self._after_commit.wake_watchers(list(written))
        return [
            written.get(each.change.before.id) if first.get(each.change.before.id) is each else None
            for each in asked
        ]


def _first_of(asked: Iterable[_Asked]) -> dict[int, _Asked]:
    """Returns who goes first, by session: no session and no key twice."""
    first: dict[int, _Asked] = {}
    keys: set[tuple[int, str]] = set()
    for each in asked:
        session, request = each.change.before, each.call.request
        key = (session.user_id, request.key) if request is not None else None
        if session.id not in first and key not in keys:
            first[session.id] = each
            if key is not None:
                keys.add(key)
    return first


def _draft_of(content_hash: str | None, digest: bytes | None, content: str | None) -> StoredDraft | None:
    """Returns a row's draft; the text is there where it was stored without a digest."""
    if content_hash is None:
        return None
    return StoredDraft(content_hash, digest or text_digest(content_hash, (content or "").encode()))


def _to_row(place: int, asked: _Asked, keyed: bool) -> tuple[Any, ...]:
    before, after = asked.change.before, asked.change.after
    row = (
        after.user_id,
        after.id,
        before.version,
        before.updated_at,
        after.version,
        after.updated_at,
        after.elapsed_seconds,
        after.implausible,
        after.active_since,
        after.draft_hash,
        after.draft_saved_at,
        after.elapsed_at(after.updated_at),
        asked.stored.text_digest if asked.stored is not None else None,
        place,
    )
    if not keyed:
        return row
    request = asked.call.request
    return *row, *key_to_values((request, after, asked.outcome_type) if request is not None else None)
