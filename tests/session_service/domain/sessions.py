"""Sessions to begin a test with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from session_service.domain.days import Calendar
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State
from tests.session_service.products import SHIPPED_PRODUCTS

START = datetime(2026, 2, 18, 8, 0, tzinfo=UTC)
PRODUCTS = ("exercises", "portal", "yoga", "focus", "design")

# What a start of each product has to say at least.
_NEEDED: dict[str, dict[str, Any]] = {
    "portal": {"content": "activities/123"},
    "focus": {"planned_seconds": 1500},
    "design": {"content": "problems/7"},
}


def at(seconds: float) -> datetime:
    """The instant so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def started(name: str, **changes: Any) -> PracticeSession:
    """A session as it is after its start, numbered as a database would."""
    arguments = {
        "user_id": 5,
        "product": SHIPPED_PRODUCTS[name],
        "mode": "",
        "content": "",
        "planned_seconds": None,
        "calendar": Calendar(),
        "now": START,
        **_NEEDED.get(name, {}),
        **changes,
    }
    return replace(PracticeSession.start(**arguments), id=77)


def end(
    session: PracticeSession, outcome: State = State.COMPLETED, *, now: datetime = START, **changes: Any
) -> PracticeSession:
    """The session ended."""
    return session.end(outcome, **{"user_seq": 1, "calendar": Calendar(), "now": now, **changes})


def in_state(product: str, state: State) -> PracticeSession:
    """A session of a product that came to a state the way its clients bring it there."""
    session = started(product)
    if state is State.ACTIVE:
        return session
    if state is State.PAUSED:
        return session.pause(now=at(10), reported=10)
    return end(session, state, now=at(10), reported=10)


def answered(session: PracticeSession, *, given: int, correct: int, now: datetime) -> PracticeSession:
    """A session with `given` more answers, the first `correct` of them right."""
    for position in range(given):
        session = session.record_answer(correct=position < correct, before=None, now=now)
    return session
