"""Answers of many callers: one statement that reads their sessions, and one that writes what is new.

Nothing is locked while answers are judged. What was read is written only where
it still holds: the version of a session counts its changes, and a changed
session is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from typing_extensions import override

from service_kit.call import Call
from session_service.adapters.db.combined import (
    KEY_UNUSED,
    SESSION,
    SESSION_WIDTH,
    CombinedStatements,
    Connections,
    RecentSessions,
    key_to_values,
    to_arrays,
    to_asked,
    to_columns,
)
from session_service.adapters.db.unit_of_work import AfterCommit
from session_service.application.ports.answers import (
    AnswerBatch,
    AnswerStore,
    ChangedSession,
    FoundSession,
    Mark,
    NothingWrittenError,
)
from session_service.domain.answers import RecordedAnswer
from session_service.domain.days import DEFAULT_ZONE
from session_service.domain.items import SessionItem
from session_service.domain.states import Change


def read_statement(*, keyed: bool, known: bool) -> str:
    """Returns the statement that reads; what no call of the lot needs is not in it."""
    columns, unused, answers = {"user_id": "bigint", "session_id": "bigint"}, "", "NULL"
    if keyed:
        columns["key"], unused = "text", f"\n  AND {KEY_UNUSED}"
    if known:
        columns["answer_ids"] = "text"
        answers = """(SELECT jsonb_agg(jsonb_build_array(
      answer_id, item, text, time_taken, correct, correct_answer, feedback))::text
    FROM jsonb_array_elements_text(asked.answer_ids::jsonb) AS sent (answer_id)
    JOIN session.answer USING (answer_id)
    WHERE (user_id, session_id) = (s.user_id, s.id))"""
    return f"""
SELECT {SESSION}, l.last_seq, l.time_zone,
  (SELECT jsonb_agg(jsonb_build_array(
      position, item, prompt, correct_answer, attempt_count, correct_attempt_count) ORDER BY position)::text
    FROM session.session_item
    WHERE s.item_count > 0 AND (user_id, session_id) = (s.user_id, s.id)),
  {answers}
FROM {to_asked(columns)}
LEFT JOIN session.practice_session AS s ON (s.user_id, s.id) = (asked.user_id, asked.session_id){unused}
LEFT JOIN session.learner AS l ON l.user_id = asked.user_id
ORDER BY place
"""  # noqa: S608 - names of columns


# Of each new answer: the session as it is after it, and the answer. `before` is there in the last row of a
# session: the version that all of them follow, and when it was made. A database that was put back to an
# earlier moment gives numbers of versions anew, but not their instants.
_ROW = {
    "user_id": "bigint",
    "session_id": "bigint",
    "before": "bigint",
    "before_at": "timestamptz",
    "sequence": "bigint",
    "at": "timestamptz",
    "answer_count": "int",
    "correct_answer_count": "int",
    "elapsed_seconds": "int",
    "answered_item_count": "int",
    "mastered_item_count": "int",
    "right_run": "int",
    "answer_id": "text",
    "item": "text",
    "text": "text",
    "time_taken": "float8",
    "correct": "bool",
    "correct_answer": "text",
    "feedback": "text",
    "answered_at": "timestamptz",
}
_KEY = {"key": "text", "method": "text", "digest": "bytea", "outcome": "text"}
_ITEM = {
    "user_id": "bigint",
    "session_id": "bigint",
    "position": "int",
    "correct_answer": "text",
    "attempt_count": "int",
    "correct_attempt_count": "int",
}


def _write(*, single: bool, keyed: bool, picked: bool, unseen: bool) -> str:
    """Returns the statement that writes; what no change of the lot needs is not in it.

    `single` says that each session has one new answer, `unseen` that some have ids which may be on record:
    a recorded answer is a version of its session, so where the version is right it is seen. Whoever
    changes a session locks it first, so one that is locked is about to be another.
    """
    row = {**_ROW, **_KEY} if keyed else _ROW
    rows = "written" if single else "written JOIN given USING (user_id, session_id)"
    of = "written" if single else "given"
    written = "SELECT * FROM ready"
    repeated, is_new, claims, items = "", "", "", ""
    if unseen:
        repeated = """), repeated AS MATERIALIZED (
  SELECT user_id, session_id FROM given JOIN session.answer USING (user_id, session_id, answer_id)
"""
        is_new = "\n    AND (s.user_id, s.id) NOT IN (SELECT user_id, session_id FROM repeated)"
    if keyed:
        written += " WHERE key IS NULL OR (user_id, key) IN (SELECT user_id, key FROM claimed)"
        claims = """, claimed AS (
  INSERT INTO session.idempotency (user_id, key, method, request_digest, outcome)
  SELECT user_id, key, method, digest, outcome::jsonb FROM ready WHERE key IS NOT NULL
  ON CONFLICT DO NOTHING
  RETURNING user_id, key
)"""
    if picked:
        items = f""", items AS (
  UPDATE session.session_item AS stored SET
    correct_answer = i.correct_answer, attempt_count = i.attempt_count,
    correct_attempt_count = i.correct_attempt_count
  FROM unnest({to_arrays(_ITEM.values(), len(row) + 2)}) AS i ({", ".join(_ITEM)})
  JOIN written USING (user_id, session_id)
  WHERE (stored.user_id, stored.session_id, stored.position) = (i.user_id, i.session_id, i.position)
)"""  # noqa: S608 - names of columns
    return f"""
WITH given AS (
  SELECT * FROM unnest({to_arrays(row.values())}) AS t ({", ".join(row)})
{repeated}), ready AS MATERIALIZED (
  SELECT given.*, s.state, s.item_count FROM given
  JOIN session.practice_session AS s ON (s.user_id, s.id) = (given.user_id, given.session_id)
  WHERE (s.version, s.updated_at) = (given.before, given.before_at){is_new}
  ORDER BY s.id
  FOR NO KEY UPDATE OF s SKIP LOCKED
){claims}, written AS MATERIALIZED ({written}
), sessions AS (
  UPDATE session.practice_session AS s SET
    version = sequence, updated_at = at, answer_count = written.answer_count,
    correct_answer_count = written.correct_answer_count, right_run = written.right_run,
    answered_item_count = written.answered_item_count, mastered_item_count = written.mastered_item_count
  FROM written WHERE (s.user_id, s.id) = (written.user_id, written.session_id)
), answers AS (
  INSERT INTO session.answer (
    user_id, session_id, position, answer_id, item, text, time_taken, correct, correct_answer, feedback,
    answered_at)
  SELECT user_id, session_id, {of}.answer_count, {of}.answer_id, {of}.item, {of}.text, {of}.time_taken,
    {of}.correct, {of}.correct_answer, {of}.feedback, {of}.answered_at
  FROM {rows}
), entries AS (
  INSERT INTO session.journal (
    user_id, session_id, sequence, change, at, state, answer_count, correct_answer_count, elapsed_seconds,
    item_count, answered_item_count, mastered_item_count, right_run)
  SELECT user_id, session_id, {of}.sequence, ${len(row) + 1}::text, {of}.at, written.state, {of}.answer_count,
    {of}.correct_answer_count, {of}.elapsed_seconds, written.item_count, {of}.answered_item_count,
    {of}.mastered_item_count, {of}.right_run
  FROM {rows}
){items}
SELECT session_id, l.last_seq, l.time_zone
FROM written LEFT JOIN session.learner AS l ON l.user_id = written.user_id
"""  # noqa: S608 - names of columns


# The same few texts again and again: the driver and the server know each by its text.
_read_of, _write_of = cache(read_statement), cache(_write)
_NO_KEY = key_to_values(None)


class SqlAnswerStore(AnswerStore):
    """Answers of many callers, on connections of combined calls."""

    def __init__(self, connections: Connections, after_commit: AfterCommit, recent: RecentSessions) -> None:
        self._statements = CombinedStatements(connections)
        self._after_commit = after_commit
        self._recent = recent

    @override
    async def read(self, batches: Sequence[AnswerBatch]) -> Sequence[FoundSession | None]:
        """Recalls sessions, and selects the others with what is on record of the answers."""
        for batch in batches:
            if batch.doubted:
                self._recent.forget(batch.call.user_id, batch.ref.id)
        recalled = [self._recent.recall(batch.call.user_id, batch.ref) for batch in batches]
        unknown = [each for each, recent in zip(batches, recalled, strict=True) if recent is None]
        selected = iter(await self._select(unknown) if unknown else ())
        return [
            next(selected)
            if recent is None
            else FoundSession(recent.session, 0, None, {}, recent.items, remembered=True)
            for recent in recalled
        ]

    async def _select(self, batches: Sequence[AnswerBatch]) -> Sequence[FoundSession | None]:
        asked = [(batch.call.user_id, batch.ref.id) for batch in batches]
        keyed = any(batch.call.request is not None for batch in batches)
        known = any(batch.sent_ids for batch in batches)
        columns = to_columns(2, asked)
        if keyed:
            columns.append([_key_of(batch.call) for batch in batches])
        if known:
            columns.append([json.dumps(batch.sent_ids) if batch.sent_ids else None for batch in batches])
        rows = await self._statements.read(_read_of(keyed=keyed, known=known), columns)
        return [self._found_from_row(row, each) for row, each in zip(rows, batches, strict=True)]

    @override
    async def write(self, changes: Sequence[ChangedSession], outcome_type: type[Any]) -> Mapping[int, Mark]:
        """Updates sessions and inserts answers and journal, all in one."""
        for change in changes:
            # Until it is known what became of them.
            self._recent.forget(change.before.user_id, change.before.id)
        try:
            keyed = any(each.keyed for each in changes)
            rows = [row for each in changes for row in _to_rows(each, outcome_type if keyed else None)]
            items = [row for each in changes for row in _to_items(each)]
            columns = [*to_columns(len(rows[0]), rows), Change.ANSWERED.value]
            if items:
                columns += to_columns(len(_ITEM), items)
        except Exception as error:
            # Which of them it was shows when each is recorded alone.
            raise NothingWrittenError from error
        single = len(rows) == len(changes)
        unseen = any(each.unseen_ids for each in changes)
        rows_written = await self._statements.write(
            _write_of(single=single, keyed=keyed, picked=bool(items), unseen=unseen), columns
        )
        written = {number: (last_seq or 0, zone or DEFAULT_ZONE) for number, last_seq, zone in rows_written}
        for change in changes:
            if change.before.id in written:
                self._recent.keep(change.versions[-1], {**change.picked, **change.items})
        self._after_commit.wake_watchers(list(written))
        return written

    def _found_from_row(self, row: Any, batch: AnswerBatch) -> FoundSession | None:
        session = self._statements.session_from(row, batch.ref)
        if session is None:
            return None
        last_seq, time_zone, items, answers = row[SESSION_WIDTH:]
        return FoundSession(
            session=session,
            last_seq=last_seq or 0,
            time_zone=time_zone or DEFAULT_ZONE,
            known={each[0]: _answer_from_json(each) for each in json.loads(answers)} if answers else {},
            items={each[1]: SessionItem(*each) for each in json.loads(items)} if items else {},
        )


def _key_of(call: Call) -> str | None:
    return call.request.key if call.request is not None else None


def _to_rows(changed: ChangedSession, outcome_type: type[Any] | None) -> Iterator[tuple[Any, ...]]:
    """Returns a row for each answer; with a type of outcomes, with the key that its call came with."""
    last = changed.versions[-1]
    for version, answer in zip(changed.versions, changed.answers, strict=True):
        row = (
            version.user_id,
            version.id,
            changed.before.version if version is last else None,
            changed.before.updated_at,
            version.version,
            version.updated_at,
            version.answer_count,
            version.correct_answer_count,
            version.elapsed_at(version.updated_at),
            version.answered_item_count,
            version.mastered_item_count,
            version.right_run,
            answer.answer_id,
            answer.item,
            answer.text,
            answer.time_taken,
            answer.correct,
            answer.correct_answer,
            answer.feedback,
            answer.answered_at or version.updated_at,
        )
        if outcome_type is None:
            yield row
        elif changed.keyed and version is last:
            yield *row, *key_to_values((*changed.keyed, outcome_type))
        else:
            yield *row, *_NO_KEY


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
