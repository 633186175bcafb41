"""Answers of many callers: one statement that reads their sessions, and one that writes what is new.

Nothing is locked while answers are judged. What was read is written only where
it still holds: the version of a session counts its changes, and a changed
session is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from session_service.adapters.db.combined import (
    SESSION,
    SESSION_WIDTH,
    CombinedStatements,
    key_to_values,
    to_columns,
)
from session_service.adapters.db.unit_of_work import AfterCommit
from session_service.application.ports.answers import (
    AnswerBatch,
    AnswerStore,
    ChangedSession,
    FoundSession,
    NothingWrittenError,
)
from session_service.domain.answers import RecordedAnswer
from session_service.domain.items import SessionItem
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change

_READ = f"""
SELECT {SESSION},
  (SELECT last_seq FROM session.learner WHERE user_id = asked.user_id),
  (SELECT jsonb_agg(jsonb_build_array(
      position, item, prompt, correct_answer, attempt_count, correct_attempt_count) ORDER BY position)::text
    FROM session.session_item
    WHERE s.item_count > 0 AND (user_id, session_id) = (s.user_id, s.id)),
  (SELECT jsonb_agg(jsonb_build_array(
      answer_id, item, text, time_taken, correct, correct_answer, feedback))::text
    FROM jsonb_array_elements_text(asked.answer_ids::jsonb) AS sent (answer_id)
    JOIN session.answer USING (answer_id)
    WHERE (user_id, session_id) = (s.user_id, s.id))
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])
  WITH ORDINALITY AS asked (user_id, session_id, key, answer_ids, place)
LEFT JOIN session.practice_session AS s ON (s.user_id, s.id) = (asked.user_id, asked.session_id)
  AND NOT EXISTS (
    SELECT FROM session.idempotency AS used WHERE (used.user_id, used.key) = (asked.user_id, asked.key))
ORDER BY place
"""  # noqa: S608 - names of columns

# Whoever changes a session locks it first, so one that is locked is about to be another.
_WRITE = """
WITH changed AS (
  SELECT * FROM unnest(
    $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::int[], $7::int[],
    $8::int[], $9::int[], $10::int[], $11::text[], $12::text[], $13::bytea[], $14::text[]
  ) AS t (
    user_id, session_id, before, version, updated_at, answer_count, correct_answer_count, right_run,
    answered_item_count, mastered_item_count, key, method, digest, outcome)
), ready AS MATERIALIZED (
  SELECT changed.* FROM changed
  JOIN session.practice_session AS s ON (s.user_id, s.id) = (changed.user_id, changed.session_id)
  WHERE s.version = changed.before
  ORDER BY s.id
  FOR NO KEY UPDATE OF s SKIP LOCKED
), claimed AS (
  INSERT INTO session.idempotency (user_id, key, method, request_digest, outcome)
  SELECT user_id, key, method, digest, outcome::jsonb FROM ready WHERE key IS NOT NULL
  ON CONFLICT DO NOTHING
  RETURNING user_id, key
), written AS MATERIALIZED (
  SELECT * FROM ready WHERE key IS NULL OR (user_id, key) IN (SELECT user_id, key FROM claimed)
), sessions AS (
  UPDATE session.practice_session AS s SET
    version = written.version, updated_at = written.updated_at, answer_count = written.answer_count,
    correct_answer_count = written.correct_answer_count, right_run = written.right_run,
    answered_item_count = written.answered_item_count, mastered_item_count = written.mastered_item_count
  FROM written WHERE (s.user_id, s.id) = (written.user_id, written.session_id)
), answers AS (
  INSERT INTO session.answer (
    user_id, session_id, position, answer_id, item, text, time_taken, correct, correct_answer, feedback,
    answered_at)
  SELECT a.* FROM unnest(
    $15::bigint[], $16::bigint[], $17::int[], $18::text[], $19::text[], $20::text[], $21::float8[],
    $22::bool[], $23::text[], $24::text[], $25::timestamptz[]
  ) AS a (
    user_id, session_id, position, answer_id, item, text, time_taken, correct, correct_answer, feedback,
    answered_at)
  JOIN written USING (user_id, session_id)
), entries AS (
  INSERT INTO session.journal (
    user_id, session_id, sequence, at, state, answer_count, correct_answer_count, elapsed_seconds, item_count,
    answered_item_count, mastered_item_count, right_run, change)
  SELECT j.*, $38::text FROM unnest(
    $26::bigint[], $27::bigint[], $28::bigint[], $29::timestamptz[], $30::text[], $31::int[], $32::int[],
    $33::int[], $34::int[], $35::int[], $36::int[], $37::int[]
  ) AS j (
    user_id, session_id, sequence, at, state, answer_count, correct_answer_count, elapsed_seconds, item_count,
    answered_item_count, mastered_item_count, right_run)
  JOIN written USING (user_id, session_id)
), items AS (
  UPDATE session.session_item AS stored SET
    correct_answer = i.correct_answer, attempt_count = i.attempt_count,
    correct_attempt_count = i.correct_attempt_count
  FROM unnest($39::bigint[], $40::bigint[], $41::int[], $42::text[], $43::int[], $44::int[]) AS i (
    user_id, session_id, position, correct_answer, attempt_count, correct_attempt_count)
  JOIN written USING (user_id, session_id)
  WHERE (stored.user_id, stored.session_id, stored.position) = (i.user_id, i.session_id, i.position)
)
SELECT session_id FROM written
"""

_CHANGED_WIDTH, _ANSWER_WIDTH, _ENTRY_WIDTH, _ITEM_WIDTH = 14, 11, 12, 6


class SqlAnswerStore(AnswerStore):
    """Answers of many callers, on connections of its own."""

    def __init__(self, engine: AsyncEngine, after_commit: AfterCommit) -> None:
        self._statements = CombinedStatements(engine)
        self._after_commit = after_commit

    @override
    async def read(self, batches: Sequence[AnswerBatch]) -> Sequence[FoundSession | None]:
        """Selects the sessions with what is on record of the answers."""
        asked = [_to_asked(batch) for batch in batches]
        rows = await self._statements.read(_READ, to_columns(4, asked))
        return [self._found_from_row(row, each) for row, each in zip(rows, batches, strict=True)]

    @override
    async def write(self, changes: Sequence[ChangedSession], outcome_type: type[Any]) -> Collection[int]:
        """Updates sessions and inserts answers and journal, all in one."""
        try:
            changed = [_to_changed(each, outcome_type) for each in changes]
            entries = [_to_entry(version) for each in changes for version in each.versions]
            columns = (
                *to_columns(_CHANGED_WIDTH, changed),
                *to_columns(_ANSWER_WIDTH, [row for each in changes for row in _to_answers(each)]),
                *to_columns(_ENTRY_WIDTH, entries),
                Change.ANSWERED.value,
                *to_columns(_ITEM_WIDTH, [row for each in changes for row in _to_items(each)]),
            )
        except Exception as error:
            # Which of them it was shows when each is recorded alone.
            raise NothingWrittenError from error
        written = await self._statements.write(_WRITE, columns)
        self._after_commit.wake_watchers(written)
        return written

    def _found_from_row(self, row: Any, batch: AnswerBatch) -> FoundSession | None:
        session = self._statements.session_from(row, batch.ref)
        if session is None:
            return None
        last_seq, items, answers = row[SESSION_WIDTH:]
        return FoundSession(
            session=session,
            last_seq=last_seq or 0,
            known={each[0]: _answer_from_json(each) for each in json.loads(answers)} if answers else {},
            items={each[1]: SessionItem(*each) for each in json.loads(items)} if items else {},
        )


def _to_asked(batch: AnswerBatch) -> tuple[Any, ...]:
    call, sent = batch.call, batch.sent_ids
    key = call.request.key if call.request is not None else None
    return call.user_id, batch.ref.id, key, json.dumps(sent) if sent else None


def _to_changed(changed: ChangedSession, outcome_type: type[Any]) -> tuple[Any, ...]:
    session = changed.versions[-1]
    return (
        session.user_id,
        session.id,
        changed.before.version,
        session.version,
        session.updated_at,
        session.answer_count,
        session.correct_answer_count,
        session.right_run,
        session.answered_item_count,
        session.mastered_item_count,
        *key_to_values((*changed.keyed, outcome_type) if changed.keyed else None),
    )


def _to_answers(changed: ChangedSession) -> Iterator[tuple[Any, ...]]:
    for version, answer in zip(changed.versions, changed.answers, strict=True):
        yield (
            version.user_id,
            version.id,
            version.answer_count,
            answer.answer_id,
            answer.item,
            answer.text,
            answer.time_taken,
            answer.correct,
            answer.correct_answer,
            answer.feedback,
            answer.answered_at or version.updated_at,
        )


def _to_entry(version: PracticeSession) -> tuple[Any, ...]:
    return (
        version.user_id,
        version.id,
        version.version,
        version.updated_at,
        version.state.value,
        version.answer_count,
        version.correct_answer_count,
        version.elapsed_at(version.updated_at),
        version.item_count,
        version.answered_item_count,
        version.mastered_item_count,
        version.right_run,
    )


def _to_items(changed: ChangedSession) -> Iterator[tuple[Any, ...]]:
    session = changed.before
    for item in changed.items.values():
        yield (
            session.user_id,
            session.id,
            item.position,
            item.correct_answer,
            item.attempt_count,
            item.correct_attempt_count,
        )


def _answer_from_json(values: Sequence[Any]) -> RecordedAnswer:
    answer_id, item, text, time_taken, correct, correct_answer, feedback = values
    taken = None if time_taken is None else float(time_taken)
    return RecordedAnswer(answer_id, item, text, taken, correct, correct_answer, feedback)
