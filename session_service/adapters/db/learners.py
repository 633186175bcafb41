"""What is remembered of a user, in a transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from session_service.adapters.db import tables
from session_service.domain.days import Calendar

_learner = tables.learner

# Built once, like the statements for sessions.
_CALENDAR = select(_learner.c.time_zone, _learner.c.rollover_hour).where(
    _learner.c.user_id == bindparam("owner")
)
_NEXT_SEQ = (
    insert(_learner)
    .on_conflict_do_update(index_elements=["user_id"], set_={"last_seq": _learner.c.last_seq + 1})
    .returning(_learner.c.last_seq, _learner.c.time_zone, _learner.c.rollover_hour)
)


class SqlLearners:
    """Calendars and event sequences. Implements ports.Learners."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def calendar(self, user_id: int) -> Calendar:
        """Selects the calendar in force; a user never seen has the default one."""
        row = (await self._connection.execute(_CALENDAR, {"owner": user_id})).first()
        return Calendar(row.time_zone, row.rollover_hour) if row else Calendar()

    async def next_seq(self, user_id: int) -> tuple[int, Calendar]:
        """Increments the user's sequence; the row stays locked until the commit."""
        row = (await self._connection.execute(_NEXT_SEQ, {"user_id": user_id, "last_seq": 1})).one()
        return row.last_seq, Calendar(row.time_zone, row.rollover_hour)

    async def set_time_zone(self, user_id: int, time_zone: str, at: datetime) -> None:
        """Writes the zone and its history only when it differs from the one in force."""
        table = tables.learner
        statement = insert(table).values(user_id=user_id, time_zone=time_zone)
        changed = await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["user_id"],
                set_={"time_zone": time_zone},
                where=table.c.time_zone != time_zone,
            ).returning(table.c.user_id)
        )
        if changed.first() is not None:
            history = insert(tables.learner_time_zone).values(
                user_id=user_id, effective_at=at, time_zone=time_zone
            )
            await self._connection.execute(
                history.on_conflict_do_update(
                    index_elements=["user_id", "effective_at"], set_={"time_zone": time_zone}
                )
            )
