"""Starts of many callers: one statement that reads their learners, and one that stores the sessions.

A session is stored where its learner has begun no other since the look: whoever
begins or ends one holds the row of the learner's totals until the commit.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from typing_extensions import override

from service_kit.call import Call
from session_service.adapters.db.combined import (
    KEY_UNUSED,
    CombinedStatements,
    Connections,
    RecentSessions,
    key_to_values,
    to_arrays,
    to_asked,
    to_columns,
)
from session_service.adapters.db.rows import session_to_values
from session_service.adapters.db.tables import practice_session
from session_service.application.ports.answers import NothingWrittenError
from session_service.application.ports.changes import FoundPlace, SessionStart, StartStore
from session_service.application.ports.learners import LearnerMark
from session_service.domain.days import Calendar
from session_service.domain.policies import Product
from session_service.domain.practice_session import PracticeSession


def read_statement(*, keyed: bool) -> str:
    """Returns the statement that reads; what no call of the lot needs is not in it."""
    columns, unused = {"user_id": "bigint", "product": "text"}, ""
    if keyed:
        columns["key"], unused = "text", f"\n  AND {KEY_UNUSED}"
    return f"""
SELECT CASE WHEN total.has_product THEN nextval('session.practice_session_id_seq') END AS id, asked.product,
  newest.version AS policy_version, newest.published_at, newest.retired_at, l.last_seq, l.time_zone,
  l.rollover_hour, total.started, total.open_count
FROM {to_asked(columns)}
LEFT JOIN session.learner AS l ON l.user_id = asked.user_id{unused}
CROSS JOIN LATERAL (
  SELECT sum(started)::bigint, sum(started - ended)::bigint, bool_or(product = asked.product)
  FROM session.session_total WHERE user_id = l.user_id
) AS total (started, open_count, has_product)
LEFT JOIN LATERAL (
  SELECT version, published_at, retired_at FROM session.product_version
  WHERE product = asked.product ORDER BY version DESC LIMIT 1
) AS newest ON total.has_product
ORDER BY place
"""  # noqa: S608 - names of columns


_COLUMNS = ", ".join(column.name for column in practice_session.columns)

_START = {"user_id": "bigint", "session_id": "bigint", "started": "bigint"}
_KEY = {"key": "text", "method": "text", "digest": "bytea", "outcome": "text"}
_ITEM = {"user_id": "bigint", "session_id": "bigint", "position": "int", "item": "text", "prompt": "text"}


def _write(*, keyed: bool, picked: bool) -> str:
    """Returns the statement that writes; what no start of the lot needs is not in it.

    Whoever begins a session, or ends one, changes the totals of its learner. What was counted is still so
    when none of their rows is held by another, and none has changed. A slot that an end is about to free
    is taken: whoever waited for it, with the totals in hand that the end needs, would wait for good.
    A key that was used meanwhile makes the statement fail, for its session is there by then.
    """
    start = {**_START, **_KEY} if keyed else _START
    claims, items = "", ""
    if keyed:
        claims = """, claimed AS (
  INSERT INTO session.idempotency (user_id, key, method, request_digest, outcome)
  SELECT ready.user_id, key, method, digest, outcome::jsonb FROM ready
  JOIN added ON (added.user_id, added.id) = (ready.user_id, ready.session_id)
  WHERE key IS NOT NULL
)"""
    if picked:
        items = f""", items AS (
  INSERT INTO session.session_item (
    user_id, session_id, position, item, prompt, correct_answer, attempt_count, correct_attempt_count)
  SELECT i.*, '', 0, 0 FROM unnest({to_arrays(_ITEM.values(), len(start) + 2)}) AS i ({", ".join(_ITEM)})
  JOIN added ON (added.user_id, added.id) = (i.user_id, i.session_id)
)"""  # noqa: S608 - names of columns
    return f"""
WITH asked AS (
  SELECT * FROM unnest({to_arrays(start.values())}) AS t ({", ".join(start)})
), totals AS MATERIALIZED (
  SELECT total.user_id, total.started FROM session.session_total AS total
  WHERE user_id = ANY($1::bigint[])
  ORDER BY user_id, product
  FOR NO KEY UPDATE SKIP LOCKED
), ready AS MATERIALIZED (
  SELECT asked.* FROM asked
  WHERE started = (SELECT sum(totals.started) FROM totals WHERE totals.user_id = asked.user_id)
), added AS (
  INSERT INTO session.practice_session ({_COLUMNS}) OVERRIDING SYSTEM VALUE
  SELECT {_COLUMNS}
  FROM json_populate_recordset(NULL::session.practice_session, ${len(start) + 1}::json) AS fresh
  WHERE (fresh.user_id, fresh.id) IN (SELECT user_id, session_id FROM ready)
    AND NOT EXISTS (
      SELECT FROM session.practice_session AS taken
      WHERE (taken.user_id, taken.open_slot) = (fresh.user_id, fresh.open_slot))
  ON CONFLICT (user_id, open_slot) WHERE open_slot IS NOT NULL DO NOTHING
  RETURNING user_id, id
){claims}{items}
SELECT id FROM added
"""  # noqa: S608 - names of columns


# The same few texts again and again: the driver and the server know each by its text.
_read_of, _write_of = cache(read_statement), cache(_write)


class SqlStartStore(StartStore):
    """Starts of many callers, on connections of combined calls."""

    def __init__(self, connections: Connections, recent: RecentSessions) -> None:
        self._statements = CombinedStatements(connections)
        self._recent = recent

    @override
    async def read(self, asked: Sequence[tuple[Call, str]]) -> Sequence[FoundPlace | None]:
        """Selects products and learners with how many sessions they have, and takes the numbers."""
        keyed = any(call.request is not None for call, _ in asked)
        columns = to_columns(2 + keyed, [_to_asked(*each, keyed=keyed) for each in asked])
        rows = await self._statements.read(_read_of(keyed=keyed), columns)
        return [self._place_from_row(row) for row in rows]

    @override
    async def write(self, starts: Sequence[SessionStart]) -> Collection[int]:
        """Inserts sessions, keys and picked items, all in one."""
        try:
            keyed = any(start.keyed for start in starts)
            rows = [_to_start(start, keyed=keyed) for start in starts]
            items = [row for start in starts for row in _to_items(start)]
            columns = [
                *to_columns(len(rows[0]), rows),
                json.dumps([_to_row(start.session) for start in starts], default=_to_text),
                *(to_columns(len(_ITEM), items) if items else ()),
            ]
        except Exception as error:
            # Which of them it was shows when each is made alone.
            raise NothingWrittenError from error
        stored = await self._statements.write(_write_of(keyed=keyed, picked=bool(items)), columns)
        written = {row[0] for row in stored}
        for start in starts:
            if start.session.id in written:
                self._recent.learners[start.session.user_id] = start.place.learner
                self._recent.keep(start.session, {item.item: item for item in start.items})
        return written

    def _place_from_row(self, row: Sequence[Any]) -> FoundPlace | None:
        number, product, version, published_at, retired_at, *learner, started, open_count = row
        if number is None:
            return None
        last_seq, time_zone, rollover_hour = learner
        return FoundPlace(
            number,
            Product(self._statements.policy(product, version), version, published_at, retired_at),
            LearnerMark(last_seq, Calendar(time_zone, rollover_hour)),
            started,
            open_count,
        )


def _to_asked(call: Call, product: str, *, keyed: bool) -> tuple[Any, ...]:
    key = (call.request.key if call.request is not None else None,) if keyed else ()
    return call.user_id, product, *key


def _to_start(start: SessionStart, *, keyed: bool) -> tuple[Any, ...]:
    key = key_to_values(start.keyed) if keyed else ()
    return start.session.user_id, start.session.id, start.place.started, *key


def _to_row(session: PracticeSession) -> dict[str, Any]:
    return {**session_to_values(session), "id": session.id}


def _to_items(start: SessionStart) -> Iterator[tuple[Any, ...]]:
    for item in start.items:
        yield start.session.user_id, start.session.id, item.position, item.item, item.prompt


def _to_text(instant: datetime) -> str:
    return instant.isoformat()
