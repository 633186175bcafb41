"""Pauses, resumes and ends of many callers: one statement that reads, and one that writes what is new.

As with answers, what was read is written only where it still holds: the
session at its version, and for an end the learner's newest event and calendar.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import astuple
from datetime import timedelta
from functools import cache
from typing import Any

from typing_extensions import override

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
from session_service.application.ports.answers import NothingWrittenError
from session_service.application.ports.changes import (
    AskedSession,
    ChangeStore,
    FoundSession,
    SessionChange,
)
from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.outbox import Outgoing
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.domain.days import Calendar
from session_service.domain.events import ENDED, Event


def read_statement(*, keyed: bool, summed: bool) -> str:
    """Returns the statement that reads; what no call of the lot needs is not in it."""
    columns, unused = {"user_id": "bigint", "session_id": "bigint"}, ""
    figures, totals = "", ""
    if keyed:
        columns["key"], unused = "text", f"\n  AND {KEY_UNUSED}"
    if summed:
        figures = ", total.started, total.completed, total.completed_seconds"
        # By its key, even while the table is known to be empty.
        totals = (
            "\nLEFT JOIN LATERAL (SELECT started, completed, completed_seconds FROM session.session_total"
            " WHERE (user_id, product) = (s.user_id, s.product) OFFSET 0) AS total ON true"
        )
    return f"""
SELECT {SESSION}, l.last_seq, l.time_zone, l.rollover_hour{figures}
FROM {to_asked(columns)}
LEFT JOIN session.practice_session AS s ON (s.user_id, s.id) = (asked.user_id, asked.session_id){unused}
LEFT JOIN session.learner AS l ON l.user_id = asked.user_id{totals}
ORDER BY place
"""  # noqa: S608 - names of columns


_ROW = {
    "user_id": "bigint",
    "session_id": "bigint",
    "before": "bigint",
    "before_at": "timestamptz",
    "change": "text",
    "version": "bigint",
    "updated_at": "timestamptz",
    "state": "text",
    "open_slot": "text",
    "elapsed_seconds": "int",
    "practised_seconds": "int",
    "implausible": "bool",
    "active_since": "timestamptz",
    "ended_at": "timestamptz",
    "time_zone": "text",
    "rollover_hour": "smallint",
    "local_date": "date",
    "draft_saved_at": "timestamptz",
    "user_seq": "bigint",
}
_KEY = {"key": "text", "method": "text", "digest": "bytea", "outcome": "text"}
_EVENT = {"event_id": "uuid", "payload": "bytea", "request_id": "text"}
_SUMMARY = {"started": "bigint", "completed": "bigint", "completed_seconds": "bigint"}
_AS_READ = """
    AND (ready.started IS NULL OR (total.started, total.completed, total.completed_seconds)
      = (ready.started, ready.completed, ready.completed_seconds))"""


def _write(*, keyed: bool, ends: bool, summed: bool) -> str:
    """Returns the statement that writes; what no change of the lot needs is not in it.

    Whoever changes a session locks it first, and whoever ends one the learner and then, by a trigger, the
    totals: what is locked is about to be another. The place of an end is that after the learner's newest
    event, or it is not taken. Of one that is summed up, the figures are those that were read.
    """
    row = {**_ROW, **(_KEY if keyed else {}), **(_EVENT if ends else {}), **(_SUMMARY if summed else {})}
    has_place = "(event_id IS NULL OR user_id IN (SELECT user_id FROM placed))" if ends else "true"
    has_key = "(key IS NULL OR (user_id, key) IN (SELECT user_id, key FROM claimed))" if keyed else "true"
    placing, claiming, ending = "", "", ""
    if ends:
        placing = f""", placed AS MATERIALIZED (
  SELECT l.user_id FROM ready
  JOIN session.learner AS l ON l.user_id = ready.user_id
  JOIN session.session_total AS total ON (total.user_id, total.product) = (ready.user_id, ready.product)
  WHERE ready.event_id IS NOT NULL
    AND (l.last_seq, l.time_zone, l.rollover_hour)
      = (ready.user_seq - 1, ready.time_zone, ready.rollover_hour){_AS_READ if summed else ""}
  FOR NO KEY UPDATE OF l, total SKIP LOCKED
)"""  # noqa: S608 - a condition of this module
        ending = f""", places AS (
  UPDATE session.learner AS l SET last_seq = written.user_seq
  FROM written WHERE l.user_id = written.user_id AND written.event_id IS NOT NULL
), events AS (
  INSERT INTO session.outbox (
    user_id, user_seq, event_id, aggregate_id, kind, payload, request_id, next_attempt_at)
  SELECT user_id, user_seq, event_id, session_id, ${len(row) + 1}::text, payload, request_id,
    now() + ${len(row) + 2}::interval
  FROM written WHERE event_id IS NOT NULL
)"""  # noqa: S608 - numbers of parameters
    if keyed:
        claiming = f""", claimed AS (
  INSERT INTO session.idempotency (user_id, key, method, request_digest, outcome)
  SELECT user_id, key, method, digest, outcome::jsonb FROM ready
  WHERE key IS NOT NULL AND {has_place}
  ON CONFLICT DO NOTHING
  RETURNING user_id, key
)"""  # noqa: S608 - a condition of this module
    return f"""
WITH changed AS (
  SELECT * FROM unnest({to_arrays(row.values())}) AS t ({", ".join(row)})
), ready AS MATERIALIZED (
  SELECT changed.*, s.product, s.answer_count, s.correct_answer_count, s.item_count, s.answered_item_count,
    s.mastered_item_count, s.right_run
  FROM changed
  JOIN session.practice_session AS s ON (s.user_id, s.id) = (changed.user_id, changed.session_id)
  WHERE (s.version, s.updated_at) = (changed.before, changed.before_at)
  ORDER BY s.id
  FOR NO KEY UPDATE OF s SKIP LOCKED
){placing}{claiming}, written AS MATERIALIZED (
  SELECT * FROM ready WHERE {has_place} AND {has_key}
), sessions AS (
  UPDATE session.practice_session AS s SET
    version = written.version, updated_at = written.updated_at, state = written.state,
    open_slot = written.open_slot, elapsed_seconds = written.elapsed_seconds,
    implausible = written.implausible, active_since = written.active_since, ended_at = written.ended_at,
    time_zone = written.time_zone, rollover_hour = written.rollover_hour, local_date = written.local_date,
    draft_saved_at = written.draft_saved_at, user_seq = written.user_seq
  FROM written WHERE (s.user_id, s.id) = (written.user_id, written.session_id)
), entries AS (
  INSERT INTO session.journal (
    user_id, session_id, sequence, change, at, state, answer_count, correct_answer_count, elapsed_seconds,
    item_count, answered_item_count, mastered_item_count, right_run)
  SELECT user_id, session_id, version, change, updated_at, state, answer_count, correct_answer_count,
    practised_seconds, item_count, answered_item_count, mastered_item_count, right_run
  FROM written
){ending}
SELECT session_id FROM written
"""  # noqa: S608 - names of columns


# The same few texts again and again: the driver and the server know each by its text.
_read_of, _write_of = cache(read_statement), cache(_write)


class SqlChangeStore(ChangeStore):
    """Changes of many callers, on connections of combined calls."""

    def __init__(
        self,
        connections: Connections,
        encode: Callable[[Event], bytes],
        after_commit: AfterCommit,
        first_wait: timedelta,
        recent: RecentSessions,
    ) -> None:
        self._statements = CombinedStatements(connections)
        self._encode = encode
        self._after_commit = after_commit
        self._first_wait = first_wait
        self._recent = recent

    @override
    async def read(self, asked: Sequence[AskedSession]) -> Sequence[FoundSession | None]:
        """Recalls sessions with their learners, and selects the others."""
        recalled = [self._recall(each) if each.recalled else None for each in asked]
        unknown = [each for each, recent in zip(asked, recalled, strict=True) if recent is None]
        selected = iter(await self._select(unknown) if unknown else ())
        return [next(selected) if recent is None else recent for recent in recalled]

    def _recall(self, asked: AskedSession) -> FoundSession | None:
        recent = self._recent.recall(asked.call.user_id, asked.ref)
        learner = self._recent.learners.get(asked.call.user_id)
        if recent is None or learner is None:
            return None
        return FoundSession(recent.session, learner, remembered=True)

    async def _select(self, asked: Sequence[AskedSession]) -> Sequence[FoundSession | None]:
        keyed = any(each.call.request is not None for each in asked)
        rows = await self._statements.read(
            _read_of(keyed=keyed, summed=any(each.summed for each in asked)),
            to_columns(2 + keyed, [_to_asked(each, keyed=keyed) for each in asked]),
        )
        return [self._found_from_row(row, each.ref) for row, each in zip(rows, asked, strict=True)]

    @override
    async def write(self, changes: Sequence[SessionChange]) -> Collection[int]:
        """Updates sessions and learners and inserts journal, keys and events, all in one."""
        try:
            events = {change.before.id: self._to_outgoing(change) for change in changes}
            lot = {
                "keyed": any(each.keyed for each in changes),
                "ends": any(each.event for each in changes),
                "summed": any(each.summary for each in changes),
            }
            rows = [_to_changed(change, events[change.before.id], **lot) for change in changes]
        except Exception as error:
            # Which of them it was shows when each is made alone.
            raise NothingWrittenError from error
        for change in changes:
            if change.event is not None:
                # Until it is known what became of it.
                self._recent.learners.pop(change.after.user_id, None)
        columns = to_columns(len(rows[0]), rows)
        if lot["ends"]:
            columns += [ENDED, self._first_wait]
        written = [row[0] for row in await self._statements.write(_write_of(**lot), columns)]
        for change in changes:
            if change.before.id in written:
                self._recent.follow(change.before, change.after)
                self._remember_learner(change)
        self._after_commit.publish([event for number in written if (event := events[number]) is not None])
        self._after_commit.wake_watchers(written)
        return written

    def _remember_learner(self, change: SessionChange) -> None:
        ended = change.after
        if change.event is not None:
            calendar = Calendar(ended.time_zone, ended.rollover_hour)
            self._recent.learners[ended.user_id] = LearnerMark(ended.user_seq, calendar)

    def _to_outgoing(self, change: SessionChange) -> Outgoing | None:
        event = change.event
        if event is None:
            return None
        payload, place = self._encode(event), (event.user_id, event.user_seq)
        return Outgoing(event.event_id, ENDED, payload, change.request_id, *place)

    def _found_from_row(self, row: Any, ref: SessionRef) -> FoundSession | None:
        session = self._statements.session_from(row, ref)
        if session is None:
            return None
        last_seq, time_zone, rollover_hour, *figures = row[SESSION_WIDTH:]
        known = last_seq is not None
        return FoundSession(
            session,
            LearnerMark(last_seq, Calendar(time_zone, rollover_hour)) if known else None,
            Summary(*figures) if figures and figures[0] is not None else None,
        )


def _to_asked(asked: AskedSession, *, keyed: bool) -> tuple[Any, ...]:
    call = asked.call
    key = (call.request.key if call.request is not None else None,) if keyed else ()
    return call.user_id, asked.ref.id, *key


def _to_changed(
    change: SessionChange, event: Outgoing | None, *, keyed: bool, ends: bool, summed: bool
) -> tuple[Any, ...]:
    session = change.after
    read = astuple(change.summary) if change.summary is not None else (None, None, None)
    told = (event.event_id, event.payload, event.request_id) if event is not None else (None, None, None)
    return (
        session.user_id,
        session.id,
        change.before.version,
        change.before.updated_at,
        change.kind.value,
        session.version,
        session.updated_at,
        session.state.value,
        session.open_slot,
        session.elapsed_seconds,
        session.elapsed_at(session.updated_at),
        session.implausible,
        session.active_since,
        session.ended_at,
        session.time_zone,
        session.rollover_hour,
        session.local_date,
        session.draft_saved_at,
        session.user_seq,
        *(key_to_values(change.keyed) if keyed else ()),
        *(told if ends else ()),
        *(read if summed else ()),
    )
