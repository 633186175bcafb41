"""How a user's calendar changes, whoever asks for it."""

from __future__ import annotations

from datetime import datetime

from session_service.application.ports.unit_of_work import UnitOfWork
from session_service.domain.events import CalendarChanged
from session_service.domain.learner import CalendarChange


async def change_calendar(
    work: UnitOfWork,
    user_id: int,
    *,
    now: datetime,
    time_zone: str | None = None,
    rollover_hour: int | None = None,
    signed_up_at: datetime | None = None,
) -> CalendarChange | None:
    """Puts what is news in force: the calendar, its place in the user's sequence, its event.

    All in the caller's transaction, as the end of a session is. Returns None,
    and writes nothing, when nothing is news.
    """
    # Nearly always nothing is: look before locking.
    found = await work.learners.find(user_id)
    if found.change(now, time_zone=time_zone, rollover_hour=rollover_hour, signed_up_at=signed_up_at) is None:
        return None
    learner = await work.learners.lock(user_id)
    change = learner.change(now, time_zone=time_zone, rollover_hour=rollover_hour, signed_up_at=signed_up_at)
    if change is None:
        return None
    stored = await work.learners.put_in_force(change)
    await work.outbox.add(CalendarChanged.of(stored))
    return stored
