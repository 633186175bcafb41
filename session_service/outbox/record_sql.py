"""Every event, read from the rows that it is about; the outbox says only what is on its way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db import faults
from service_kit.db.outbox import OutboxRows
from service_kit.errors import AccountErasedError
from session_service.adapters.db import tables
from session_service.adapters.db.learners import change_from_row
from session_service.adapters.db.rows import SESSION_COLUMNS, event_to_values, session_from_row
from session_service.domain.events import (
    CalendarChanged,
    Event,
    SessionEnded,
    change_event_id,
    ended_event_id,
)
from session_service.outbox.ports import DigestSelection, EventDigest, EventRecord, ListedEvent

# That are read at once; somebody with more is read alone.
MOST_EVENTS = 100_000


class SqlEventRecord(EventRecord):
    """The record of events; each method is a transaction."""

    def __init__(self, engine: AsyncEngine, encode: Callable[[Event], bytes]) -> None:
        self._engine = engine
        self._encode = encode

    async def digests(self, selection: DigestSelection) -> Sequence[EventDigest]:
        """Counts events and adds up their hashes."""
        chosen = _RECENT if selection.since is not None else _NAMED if selection.user_ids else ""
        values = {
            "after": selection.after_user_id,
            "most": selection.limit,
            "events": MOST_EVENTS,
            "settle": selection.settle,
            **({"since": selection.since} if selection.since is not None else {}),
            **({"users": list(selection.user_ids)} if chosen is _NAMED else {}),
        }
        async with self._engine.connect() as connection:
            found = await connection.execute(text(_DIGESTS.replace("CHOSEN", chosen)), values)
            return [EventDigest(*row) for row in found]

    async def list_events(self, user_id: int, after_seq: int, limit: int) -> Sequence[ListedEvent]:
        """Selects the events' places and hashes."""
        values = {"owner": user_id, "after": after_seq, "limit": limit}
        async with self._engine.connect() as connection:
            found = (await connection.execute(_LISTED, values)).all()
        return [
            ListedEvent(
                change_event_id(user_id, row.user_seq)
                if row.session_id is None
                else ended_event_id(row.session_id),
                row.user_seq,
                row.digest,
            )
            for row in found
        ]

    async def is_erased(self, user_id: int) -> bool:
        """Looks for a tombstone."""
        table = tables.erased_user
        async with self._engine.connect() as connection:
            found = await connection.execute(select(table.c.user_id).where(table.c.user_id == user_id))
            return found.first() is not None

    async def events(self, user_id: int, seqs: Sequence[int]) -> Sequence[Event]:
        """Selects ended sessions and changes of calendar."""
        session, change = tables.practice_session.c, tables.learner_calendar.c
        ended = select(*SESSION_COLUMNS).where(
            session.user_id == user_id, session.ended_at.is_not(None), session.user_seq.in_(seqs)
        )
        changed = select(tables.learner_calendar).where(change.user_id == user_id, change.user_seq.in_(seqs))
        async with self._engine.connect() as connection:
            events: list[Event] = [
                SessionEnded.of(session_from_row(row)) for row in await connection.execute(ended)
            ]
            events += [CalendarChanged.of(change_from_row(row)) for row in await connection.execute(changed)]
        return sorted(events, key=lambda event: event.user_seq)

    async def put_back(self, events: Sequence[Event]) -> int:
        """Upserts rows of the outbox in one transaction."""
        rows = [event_to_values(event, self._encode) for event in events]
        try:
            async with self._engine.begin() as connection:
                return await OutboxRows(connection, tables.outbox).put_back(rows)
        except Exception as error:
            if faults.is_erased(error):
                raise AccountErasedError from error
            raise


# The hash is that of the same columns of the consumer's facts, with the same
# types and in the same order; practice.session.v1.EventDigest names them.
_SESSION_HASH = """
    hash_record_extended(ROW(
        session.id, session.user_id, session.user_seq, session.product, session.mode, session.content,
        session.state, session.started_at, session.ended_at, session.time_zone,
        session.rollover_hour::bigint, session.local_date, session.elapsed_seconds::bigint,
        session.implausible, session.answer_count::bigint, session.correct_answer_count::bigint,
        session.synced
    ), 0)
"""
_CHANGE_HASH = """
    hash_record_extended(ROW(
        change.user_id, change.user_seq, change.effective_at, change.time_zone,
        change.rollover_hour::bigint, change.signed_up_at
    ), 0)
"""

_NAMED = "AND learner.user_id = ANY(:users)"
# Whatever came late is in the outbox for a while.
_RECENT = """
    AND learner.user_id IN (
        SELECT user_id FROM session.practice_session WHERE ended_at >= now() - cast(:since AS interval)
        UNION ALL
        SELECT user_id FROM session.outbox WHERE created_at >= now() - cast(:since AS interval)
    )
"""

_DIGESTS = f"""
    WITH ahead AS (
        SELECT learner.user_id, learner.last_seq FROM session.learner AS learner
        WHERE learner.user_id > :after AND learner.last_seq > 0 CHOSEN
        AND NOT EXISTS (SELECT FROM session.erased_user AS gone WHERE gone.user_id = learner.user_id)
        ORDER BY learner.user_id LIMIT :most
    ), page AS (
        SELECT user_id, last_seq FROM (
            SELECT *, sum(last_seq) OVER (ORDER BY user_id) - last_seq AS before FROM ahead
        ) AS counted
        WHERE before < :events
    ), event AS MATERIALIZED (
        SELECT session.user_id, session.user_seq, session.ended_at AS happened_at, {_SESSION_HASH} AS digest
        FROM page JOIN session.practice_session AS session USING (user_id) WHERE session.ended_at IS NOT NULL
        UNION ALL
        SELECT change.user_id, change.user_seq, change.effective_at, {_CHANGE_HASH}
        FROM page JOIN session.learner_calendar AS change USING (user_id)
    ), young AS (
        SELECT user_id, user_seq FROM event WHERE happened_at > now() - cast(:settle AS interval)
        UNION ALL
        SELECT user_id, user_seq FROM page JOIN session.outbox USING (user_id)
        WHERE acked_at IS NULL AND dead_at IS NULL
    ), bound AS (
        SELECT page.user_id, page.last_seq, least(min(young.user_seq) - 1, page.last_seq) AS settled
        FROM page LEFT JOIN young USING (user_id) GROUP BY page.user_id, page.last_seq
    )
    SELECT bound.user_id, bound.last_seq, bound.settled, count(event.user_seq),
        coalesce(bit_xor(event.digest), 0)
    FROM bound LEFT JOIN event ON event.user_id = bound.user_id AND event.user_seq <= bound.settled
    GROUP BY bound.user_id, bound.last_seq, bound.settled
    ORDER BY bound.user_id
"""  # noqa: S608

_LISTED = text(
    f"""
    SELECT session.id AS session_id, session.user_seq, {_SESSION_HASH} AS digest
    FROM session.practice_session AS session
    WHERE session.user_id = :owner AND session.ended_at IS NOT NULL AND session.user_seq > :after
    UNION ALL
    SELECT NULL, change.user_seq, {_CHANGE_HASH}
    FROM session.learner_calendar AS change
    WHERE change.user_id = :owner AND change.user_seq > :after
    ORDER BY user_seq LIMIT :limit
    """  # noqa: S608
)
