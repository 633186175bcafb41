"""Forgets the changes of sessions that ended long ago: only who watches a session reads them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import Interval, bindparam, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.logging import get_logger

log = get_logger(__name__)

# Entries of ended sessions that are looked at in one transaction, each with all of its session.
BATCH = 1_000
# In one round: the relay has other work.
MOST_BATCHES = 100

# Of several copies one does it: two would wait for each other's sessions.
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('session.journal', 0))")
# As the index `journal_ended` says it.
_FORGET = text(
    """
    WITH old AS (
        SELECT user_id, session_id FROM session.journal
        WHERE state NOT IN ('active', 'paused') AND at < now() - :kept
        ORDER BY at LIMIT :batch
    ), gone AS (
        DELETE FROM session.journal AS entry USING (SELECT DISTINCT user_id, session_id FROM old) AS ended
        WHERE entry.user_id = ended.user_id AND entry.session_id = ended.session_id
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM old) AS looked_at, (SELECT count(*) FROM gone) AS deleted
    """
).bindparams(bindparam("kept", type_=Interval()))


def forgetting_journals(
    engine: AsyncEngine, kept: timedelta, *, batch: int = BATCH, most_batches: int = MOST_BATCHES
) -> Callable[[], Awaitable[int]]:
    """Returns what deletes and counts the journal entries of sessions that ended `kept` ago, a round of it.

    Idempotent; any number of copies may run.
    """

    async def forget() -> int:
        deleted = 0
        for _ in range(most_batches):
            async with engine.begin() as connection:
                if not (await connection.execute(_ALONE)).scalar_one():
                    break
                done = (await connection.execute(_FORGET, {"kept": kept, "batch": batch})).one()
            deleted += done.deleted
            if done.looked_at < batch:
                break
        if deleted:
            log.info("journal_entries_deleted", entries=deleted)
        return deleted

    return forget
