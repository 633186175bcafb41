"""Ends a session within a transaction, for every use case that does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from service_kit.call import Call
from session_service.application.ports.unit_of_work import UnitOfWork
from session_service.domain.days import Calendar
from session_service.domain.events import CalendarChanged, SessionEnded
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State


async def end_session(
    work: UnitOfWork,
    call: Call,
    session: PracticeSession,
    outcome: State,
    *,
    now: datetime,
    reported: int | None = None,
) -> PracticeSession:
    """Ends a locked session: its state, its place in the user's sequence, its event.

    Its day is that of the zone which the call says, whatever another process
    was told meanwhile. All in the caller's transaction, so a refusal gives the
    number back; the event leaves after the commit.
    """
    user_seq, calendar = await work.learners.next_seq(session.user_id)
    if call.time_zone is not None and call.brings_zone(calendar.time_zone):
        user_seq, calendar = await _put_zone_in_force(work, session.user_id, call.time_zone, user_seq, now)
    ended = session.end(outcome, user_seq=user_seq, calendar=calendar, now=now, reported=reported)
    await work.sessions.save(Change.ENDED, ended)
    await work.outbox.add(SessionEnded.of(ended))
    return ended


async def _put_zone_in_force(
    work: UnitOfWork, user_id: int, time_zone: str, user_seq: int, now: datetime
) -> tuple[int, Calendar]:
    """Has a change of zone take the place that was taken, and returns the next one with the calendar."""
    learner = replace(await work.learners.find(user_id), last_seq=user_seq - 1)
    change = learner.change(now, time_zone=time_zone)
    assert change is not None
    stored = await work.learners.put_in_force(change)
    await work.outbox.add(CalendarChanged.of(stored))
    return await work.learners.next_seq(user_id)
