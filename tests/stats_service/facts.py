"""Facts for tests: one keyword says what a test is about, the rest is plausible."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from practice.events.v1.calendar_changed_pb2 import CalendarChanged
from practice.events.v1.session_ended_pb2 import SessionEnded

from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion

_numbers = itertools.count(1)
NOON = datetime(2026, 2, 18, 12, tzinfo=UTC)
# In milliseconds: facts end one after the other, however many a process has made before.
HOUR = 3_600_000


def new_user() -> int:
    """Returns the number of a learner no other test knows."""
    return uuid.uuid4().int >> 66


def completion(**changes: Any) -> Completion:
    """Returns a completed focus session of 25 minutes; a day alone sets its end to noon UTC of that day."""
    number = next(_numbers)
    day: date | None = changes.get("local_date")
    default_end = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) if day else NOON
    end_time: datetime = changes.get("end_time", default_end + timedelta(milliseconds=number % HOUR))
    fields: dict[str, Any] = {
        "event_id": uuid.uuid4(),
        "user_id": 1,
        "user_seq": number,
        "session_id": uuid.uuid4().int >> 66,
        "product": "focus",
        "outcome": "completed",
        "counts": True,
        "start_time": end_time - timedelta(minutes=25),
        "end_time": end_time,
        "time_zone": "UTC",
        "rollover_hour": 0,
        "local_date": end_time.date(),
        "elapsed_seconds": 1500,
        "implausible": False,
        "answer_count": 0,
        "correct_answer_count": 0,
        "content": "",
        "mode": "",
    }
    return Completion(**{**fields, **changes})


def calendar_change(**changes: Any) -> CalendarChange:
    """Returns a move to Tokyo."""
    number = next(_numbers)
    fields: dict[str, Any] = {
        "event_id": uuid.uuid4(),
        "user_id": 1,
        "user_seq": number,
        "effective_time": NOON + timedelta(milliseconds=number % HOUR),
        "time_zone": "Asia/Tokyo",
        "rollover_hour": 0,
        "sign_up_time": None,
    }
    return CalendarChange(**{**fields, **changes})


def history(user_id: int, days: list[date], **changes: Any) -> list[Completion]:
    """Returns a completion on each of these days, numbered from 1."""
    return [
        completion(user_id=user_id, user_seq=seq, local_date=day, **changes)
        for seq, day in enumerate(days, start=1)
    ]


def event_of(fact: Completion) -> SessionEnded:
    """Returns the event that tells a fact."""
    event = SessionEnded(
        event_id=str(fact.event_id),
        user_id=fact.user_id,
        user_seq=fact.user_seq,
        session_id=fact.session_id,
        product=fact.product,
        outcome=fact.outcome,
        counts=fact.counts,
        time_zone=fact.time_zone,
        rollover_hour=fact.rollover_hour,
        local_date=fact.local_date.isoformat(),
        elapsed_seconds=fact.elapsed_seconds,
        implausible=fact.implausible,
        synced=fact.synced,
        answer_count=fact.answer_count,
        correct_answer_count=fact.correct_answer_count,
        content=fact.content,
        mode=fact.mode,
    )
    event.start_time.FromDatetime(fact.start_time)
    event.end_time.FromDatetime(fact.end_time)
    return event


def calendar_event_of(change: CalendarChange) -> CalendarChanged:
    """Returns the event that tells a change of calendar."""
    event = CalendarChanged(
        event_id=str(change.event_id),
        user_id=change.user_id,
        user_seq=change.user_seq,
        time_zone=change.time_zone,
        rollover_hour=change.rollover_hour,
    )
    event.effective_time.FromDatetime(change.effective_time)
    if change.sign_up_time is not None:
        event.sign_up_time.FromDatetime(change.sign_up_time)
    return event
