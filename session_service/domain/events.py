"""The events that other services hear of: ends of sessions, changes of calendar."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from session_service.domain.learner import CalendarChange
from session_service.domain.practice_session import PracticeSession

ENDED = "session_ended"
CALENDAR_CHANGED = "calendar_changed"
# Fixed for ever: event ids are derived with it.
_NAMESPACE = uuid.UUID("5f0cbe8a-5f2b-5d52-9d0c-6a1f5d4f7c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded:
    """A session reached its end: the fact that statistics are made of.

    A function of the ended session alone, so it can be told again from the
    stored session at any time and is the same to the byte.
    """

    event_id: uuid.UUID
    session_id: int
    user_id: int
    user_seq: int
    product: str
    mode: str
    content: str
    outcome: str
    counts: bool
    started_at: datetime
    ended_at: datetime
    time_zone: str
    rollover_hour: int
    local_date: date
    elapsed_seconds: int
    implausible: bool
    synced: bool
    answer_count: int
    correct_answer_count: int

    @classmethod
    def of(cls, session: PracticeSession) -> SessionEnded:
        """Returns the event of an ended session."""
        assert session.ended_at is not None
        assert session.local_date is not None
        return cls(
            event_id=ended_event_id(session.id),
            session_id=session.id,
            user_id=session.user_id,
            user_seq=session.user_seq,
            product=session.product,
            mode=session.mode,
            content=session.content,
            outcome=session.state.value,
            counts=session.counts,
            started_at=session.started_at,
            ended_at=session.ended_at,
            time_zone=session.time_zone,
            rollover_hour=session.rollover_hour,
            local_date=session.local_date,
            elapsed_seconds=session.elapsed_seconds,
            implausible=session.implausible,
            synced=session.synced,
            answer_count=session.answer_count,
            correct_answer_count=session.correct_answer_count,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChanged:
    """A user's days run otherwise from an instant on, or it became known when they signed up.

    A function of the stored change alone, as SessionEnded is of its session.
    """

    event_id: uuid.UUID
    change_id: int
    user_id: int
    user_seq: int
    effective_at: datetime
    time_zone: str
    rollover_hour: int
    signed_up_at: datetime | None

    @classmethod
    def of(cls, change: CalendarChange) -> CalendarChanged:
        """Returns the event of a stored change."""
        assert change.id
        return cls(
            event_id=change_event_id(change.user_id, change.user_seq),
            change_id=change.id,
            user_id=change.user_id,
            user_seq=change.user_seq,
            effective_at=change.effective_at,
            time_zone=change.calendar.time_zone,
            rollover_hour=change.calendar.rollover_hour,
            signed_up_at=change.signed_up_at,
        )


Event = SessionEnded | CalendarChanged


def ended_event_id(session_id: int) -> uuid.UUID:
    """Returns the identity of the end of a session."""
    return uuid.uuid5(_NAMESPACE, f"{ENDED}:{session_id}")


def change_event_id(user_id: int, user_seq: int) -> uuid.UUID:
    """Returns the identity of a change of a user's calendar."""
    return uuid.uuid5(_NAMESPACE, f"{CALENDAR_CHANGED}:{user_id}:{user_seq}")


def subject_of(event: Event) -> tuple[str, int]:
    """Returns the event's kind and the number of what it is about, which happens to that once."""
    if isinstance(event, SessionEnded):
        return ENDED, event.session_id
    return CALENDAR_CHANGED, event.change_id
