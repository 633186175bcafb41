"""Between rows and domain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, select

from session_service.adapters.db.policies import policy_from_text
from session_service.adapters.db.tables import practice_session, product_version, session_item
from session_service.domain.answers import RecordedAnswer
from session_service.domain.events import Event, subject_of
from session_service.domain.items import SessionItem
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State

# The policy is a row of its own.
SESSION_FIELDS = [field.name for field in fields(PracticeSession) if field.name != "policy"]

# What a start decides once and for all.
_FIXED = frozenset(
    {
        "id",
        "user_id",
        "product",
        "policy_version",
        "mode",
        "content",
        "content_title",
        "content_type",
        "content_created_at",
        "planned_seconds",
        "started_at",
        "settings",
        "item_count",
        "synced",
    }
)
_CHANGING = [name for name in SESSION_FIELDS if name not in _FIXED]

# As text: few are distinct, and each is read once.
_POLICY = (
    select(cast(product_version.c.policy, Text))
    .where(
        product_version.c.product == practice_session.c.product,
        product_version.c.version == practice_session.c.policy_version,
    )
    .correlate(practice_session)
    .scalar_subquery()
    .label("policy")
)
SESSION_COLUMNS = [*(practice_session.c[name] for name in SESSION_FIELDS), _POLICY]
ITEM_COLUMNS = [session_item.c[field.name] for field in fields(SessionItem)]


def session_from_row(row: Iterable[Any]) -> PracticeSession:
    """Returns a row of SESSION_COLUMNS as a session."""
    *columns, policy = row
    values = dict(zip(SESSION_FIELDS, columns, strict=True))
    return PracticeSession(**{**values, "state": State(values["state"]), "policy": policy_from_text(policy)})


def session_to_values(session: PracticeSession) -> dict[str, Any]:
    """Returns a session's columns but for its number, which the database gives."""
    values = {name: getattr(session, name) for name in SESSION_FIELDS if name != "id"}
    return {**values, "state": session.state.value, "open_slot": session.open_slot}


def changes_to_values(session: PracticeSession) -> dict[str, Any]:
    """Returns the columns that can differ from those of the version before."""
    values = {name: getattr(session, name) for name in _CHANGING}
    return {**values, "state": session.state.value, "open_slot": session.open_slot}


def key_of(session: PracticeSession) -> dict[str, int]:
    """Returns what begins the key of every row that belongs to a session."""
    return {"user_id": session.user_id, "session_id": session.id}


def item_to_values(session: PracticeSession, item: SessionItem) -> dict[str, Any]:
    """Returns the row of an item that was picked for a session."""
    return {**key_of(session), **asdict(item)}


def answer_to_values(
    session: PracticeSession, position: int, answer: RecordedAnswer, at: datetime
) -> dict[str, Any]:
    """Returns the row of an answer that was recorded at an instant."""
    return {
        **key_of(session),
        "position": position,
        "answer_id": answer.answer_id,
        "item": answer.item,
        "text": answer.text,
        "time_taken": answer.time_taken,
        "correct": answer.correct,
        "correct_answer": answer.correct_answer,
        "feedback": answer.feedback,
        "answered_at": answer.answered_at or at,
    }


def journal_to_values(change: Change, session: PracticeSession) -> dict[str, Any]:
    """Returns the journal entry of a session's new version."""
    return {
        **key_of(session),
        "sequence": session.version,
        "change": change.value,
        "at": session.updated_at,
        "state": session.state.value,
        "answer_count": session.answer_count,
        "correct_answer_count": session.correct_answer_count,
        "elapsed_seconds": session.elapsed_at(session.updated_at),
        "item_count": session.item_count,
        "answered_item_count": session.answered_item_count,
        "mastered_item_count": session.mastered_item_count,
        "right_run": session.right_run,
    }


def event_to_values(event: Event, encode: Callable[[Event], bytes]) -> dict[str, Any]:
    """Returns an event's row in the outbox, but for when it is due."""
    kind, aggregate_id = subject_of(event)
    return {
        "event_id": event.event_id,
        "user_id": event.user_id,
        "user_seq": event.user_seq,
        "aggregate_id": aggregate_id,
        "kind": kind,
        "payload": encode(event),
    }
