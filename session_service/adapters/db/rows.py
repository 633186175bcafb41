"""Between rows and domain values."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import Row

from session_service.adapters.db.tables import practice_session
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State

_FIELDS = [field.name for field in fields(PracticeSession)]

SESSION_COLUMNS = [practice_session.c[name] for name in _FIELDS]


def to_session(row: Row[Any]) -> PracticeSession:
    """Returns a row of SESSION_COLUMNS as a session."""
    values = dict(zip(_FIELDS, row, strict=True))
    return PracticeSession(**{**values, "state": State(values["state"])})


def to_values(session: PracticeSession) -> dict[str, Any]:
    """Returns a session's columns but for its number, which the database gives."""
    values = {name: getattr(session, name) for name in _FIELDS if name != "id"}
    return {**values, "state": session.state.value, "open_slot": session.open_slot}
