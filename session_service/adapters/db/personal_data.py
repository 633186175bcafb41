"""Where the session service keeps what is a person's."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.personal_rooms import Part, Room, SqlPersonalData
from session_service.adapters.db import tables

# Rows of up to a mebibyte and more: few at once.
_FEW = 8

ROOMS = (
    # Gone first, so that nothing more is published.
    Room("events", tables.outbox, hidden=frozenset({"payload"})),
    Room(
        "submissions",
        tables.submission,
        page=_FEW,
        parts=(Part("submission_messages", tables.submission_message, "submission_id", page=100),),
    ),
    Room(
        "sessions",
        tables.practice_session,
        parts=(
            Part("answers", tables.answer, "session_id"),
            Part("items", tables.session_item, "session_id"),
            Part("changes", tables.journal, "session_id"),
            Part("drafts", tables.draft, "session_id", page=_FEW),
            Part("messages", tables.message, "session_id", page=100),
            Part("synced_items", tables.synced_item, "session_id", hidden=frozenset({"digest"})),
        ),
    ),
    Room("calendars", tables.learner_calendar),
    Room("learner", tables.learner),
    Room("requests", tables.idempotency, hidden=frozenset({"request_digest"})),
)


def open_personal_data(engine: AsyncEngine) -> SqlPersonalData:
    """Returns the service's part of what is a person's."""
    return SqlPersonalData(engine, "session", tables.erased_user, ROOMS)
