"""Users' calendars and event sequences: in a transaction, and reads of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, ScalarSelect, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service_kit.call import reach
from session_service.adapters.db import tables
from session_service.application.ports.learners import CalendarReaders, Learners
from session_service.domain.days import DEFAULT_ZONE, Calendar, RolloverTurn
from session_service.domain.learner import CalendarChange, Learner

_learner, _change = tables.learner, tables.learner_calendar

# Built once, like the statements for sessions.
_CALENDAR = select(_learner.c.time_zone, _learner.c.rollover_hour, _learner.c.last_seq).where(
    _learner.c.user_id == bindparam("owner")
)


def heard_of(user_id: Any) -> list[ScalarSelect[Any]]:
    """Returns a user's newest event's place and zone in force, for statements that are sent anyway."""
    mine = _learner.c.user_id == user_id
    return [
        select(func.max(column)).where(mine).scalar_subquery()
        for column in (_learner.c.last_seq, _learner.c.time_zone)
    ]


HEARD = heard_of(bindparam("owner"))
_NEXT_SEQ = (
    upsert(_learner)
    .on_conflict_do_update(index_elements=["user_id"], set_={"last_seq": _learner.c.last_seq + 1})
    .returning(_learner.c.last_seq, _learner.c.time_zone, _learner.c.rollover_hour)
)
_TAKE_SEQS = (
    update(_learner)
    .where(_learner.c.user_id == bindparam("owner"))
    .values(last_seq=_learner.c.last_seq + bindparam("count"))
    .returning(_learner.c.last_seq)
)
_FIND = select(
    _learner,
    select(func.max(_change.c.effective_at))
    .where(_change.c.user_id == _learner.c.user_id)
    .scalar_subquery()
    .label("effective_at"),
).where(_learner.c.user_id == bindparam("owner"))
# The update changes nothing and takes the lock; DO NOTHING would not.
_LOCK = upsert(_learner).on_conflict_do_update(
    index_elements=["user_id"], set_={"last_seq": _learner.c.last_seq}
)
_HOURS = (
    select(
        _change.c.effective_at,
        _change.c.rollover_hour,
        func.lag(_change.c.rollover_hour).over(order_by=_change.c.effective_at).label("before"),
    )
    .where(_change.c.user_id == bindparam("owner"))
    .subquery()
)
# Few, however often a device on its way changed the zone.
_TURNS = (
    select(_HOURS.c.effective_at, _HOURS.c.rollover_hour)
    .where(_HOURS.c.rollover_hour.is_distinct_from(_HOURS.c.before))
    .order_by(_HOURS.c.effective_at)
)
_ADD_CHANGE = insert(_change).returning(_change.c.id)
_PUT_IN_FORCE = update(_learner).where(_learner.c.user_id == bindparam("owner"))

EXPORT_CHUNK = 500


class SqlLearners(Learners):
    """Calendars and event sequences; answers say how far a sequence is."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def calendar(self, user_id: int) -> Calendar:
        """Selects the calendar in force; a user never seen has the default one."""
        row = (await self._connection.execute(_CALENDAR, {"owner": user_id})).first()
        hear(*(row.last_seq, row.time_zone) if row else (None, None))
        return Calendar(row.time_zone, row.rollover_hour) if row else Calendar()

    async def next_seq(self, user_id: int) -> tuple[int, Calendar]:
        """Increments the user's sequence; the row stays locked until the commit."""
        row = (await self._connection.execute(_NEXT_SEQ, {"user_id": user_id, "last_seq": 1})).one()
        hear(row.last_seq, row.time_zone)
        return row.last_seq, Calendar(row.time_zone, row.rollover_hour)

    async def take_seqs(self, user_id: int, count: int) -> None:
        """Moves the locked user's sequence on."""
        taken = await self._connection.execute(_TAKE_SEQS, {"owner": user_id, "count": count})
        reach(taken.scalar_one())

    async def find(self, user_id: int) -> Learner:
        """Selects the user's row and when its calendar was put in force."""
        learner = await select_learner(self._connection, user_id)
        reach(learner.last_seq, learner.calendar.time_zone)
        return learner

    async def lock(self, user_id: int) -> Learner:
        """Makes the user's row unless it is there, and locks it."""
        await self._connection.execute(_LOCK, {"user_id": user_id})
        # A statement of its own: it sees what was committed while the lock was waited for.
        return await self.find(user_id)

    async def rollover_turns(self, user_id: int) -> Sequence[RolloverTurn]:
        """Selects the changes that changed the hour."""
        rows = await self._connection.execute(_TURNS, {"owner": user_id})
        return [RolloverTurn(row.effective_at, row.rollover_hour) for row in rows]

    async def put_in_force(self, change: CalendarChange) -> CalendarChange:
        """Inserts the change and updates the user's row."""
        calendar, known = change.calendar, {"signed_up_at": change.signed_up_at}
        in_force = {"time_zone": calendar.time_zone, "rollover_hour": calendar.rollover_hour, **known}
        taken = {"user_id": change.user_id, "user_seq": change.user_seq}
        row = {**taken, **in_force, "effective_at": change.effective_at}
        number = (await self._connection.execute(_ADD_CHANGE, row)).scalar_one()
        await self._connection.execute(
            _PUT_IN_FORCE.values(last_seq=change.user_seq, **in_force), {"owner": change.user_id}
        )
        reach(change.user_seq, calendar.time_zone)
        return replace(change, id=number)


def hear(last_seq: int | None, time_zone: str | None) -> None:
    """Notes what `heard_of` says of the caller: nothing of one never seen."""
    reach(last_seq or 0, time_zone or DEFAULT_ZONE)


async def select_learner(connection: AsyncConnection, user_id: int) -> Learner:
    """Returns what is known of a user; nothing but the default calendar of one never seen."""
    row = (await connection.execute(_FIND, {"owner": user_id})).first()
    if row is None:
        return Learner(user_id=user_id)
    return Learner(
        user_id=user_id,
        last_seq=row.last_seq,
        calendar=Calendar(row.time_zone, row.rollover_hour),
        effective_at=row.effective_at,
        signed_up_at=row.signed_up_at,
    )


def change_from_row(row: Row[Any]) -> CalendarChange:
    """Returns a change of calendar from its row."""
    return CalendarChange(
        id=row.id,
        user_id=row.user_id,
        user_seq=row.user_seq,
        effective_at=row.effective_at,
        calendar=Calendar(row.time_zone, row.rollover_hour),
        signed_up_at=row.signed_up_at,
    )


class SqlCalendarReaders(CalendarReaders):
    """Reads of calendars: one short connection a read."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def learner(self, user_id: int, changes: int) -> tuple[Learner, Sequence[CalendarChange]]:
        """Selects the user's row and changes of calendar in one transaction."""
        newest = (
            select(_change)
            .where(_change.c.user_id == user_id)
            .order_by(_change.c.effective_at.desc())
            .limit(changes)
        )
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            learner = await select_learner(connection, user_id)
            return learner, [change_from_row(row) for row in await connection.execute(newest)]

    async def changes(self, user_id: int) -> AsyncIterator[CalendarChange]:
        """Selects changes in chunks, each in a transaction of its own."""
        after = 0
        while chunk := await self._chunk(user_id, after):
            for change in chunk:
                yield change
            after = chunk[-1].id

    async def _chunk(self, user_id: int, after: int) -> Sequence[CalendarChange]:
        later = _change.c.id > after
        if user_id:
            later &= _change.c.user_id == user_id
        statement = select(_change).where(later).order_by(_change.c.id).limit(EXPORT_CHUNK)
        async with self._engine.connect() as connection:
            return [change_from_row(row) for row in await connection.execute(statement)]
