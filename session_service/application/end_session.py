"""Ends a session within a transaction, for every use case that does."""

from __future__ import annotations

from datetime import datetime

from session_service.application.ports.unit_of_work import UnitOfWork
from session_service.domain.events import SessionEnded
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State


async def end_session(
    work: UnitOfWork, session: PracticeSession, outcome: State, *, now: datetime, reported: int | None = None
) -> PracticeSession:
    """Ends a locked session: its state, its place in the user's sequence, its event.

    All in the caller's transaction, so a refusal gives the number back; the
    event leaves after the commit.
    """
    user_seq, calendar = await work.learners.next_seq(session.user_id)
    ended = session.end(outcome, user_seq=user_seq, calendar=calendar, now=now, reported=reported)
    await work.sessions.save(Change.ENDED, ended)
    await work.outbox.add(SessionEnded.of(ended))
    return ended
