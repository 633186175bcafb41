"""Where the session service keeps personal data."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.data_categories import DataCategory, Part, SqlPersonalData
from service_kit.db.idempotency import NOT_EXPORTED
from session_service.adapters.db import tables

# Rows of up to a mebibyte and more: one at once.
_ONE = 1
# Those of some kilobytes.
_FEW = 16

DATA_CATEGORIES = (
    # Gone first, so that nothing more is published.
    DataCategory(
        "events",
        "What was told, or is still to be told, to the statistics.",
        tables.outbox,
        hidden=frozenset({"payload"}),
    ),
    DataCategory(
        "submissions",
        "Work that you handed in, and what was said of it.",
        tables.submission,
        page=_ONE,
        parts=(
            Part(
                "submission_messages",
                "The conversation about each, by submission_id.",
                tables.submission_message,
                "submission_id",
                page=_FEW,
            ),
        ),
    ),
    DataCategory(
        "sessions",
        "Every time you practised. What follows belongs to one of them, by session_id.",
        tables.practice_session,
        parts=(
            Part("answers", "Answers that you gave.", tables.answer, "session_id"),
            Part("items", "What you were to practise, such as words.", tables.session_item, "session_id"),
            Part("changes", "What happened in the session, step by step.", tables.journal, "session_id"),
            Part(
                "drafts",
                "Drawings and texts as last saved.",
                tables.draft,
                "session_id",
                page=_ONE,
                hidden=frozenset({"text_digest"}),
            ),
            Part("messages", "The conversation.", tables.message, "session_id", page=_FEW),
            Part(
                "synced_items",
                "What you made offline and handed in later.",
                tables.synced_item,
                "session_id",
                hidden=frozenset({"digest"}),
            ),
        ),
    ),
    DataCategory("totals", "How often you practised in each product.", tables.session_total),
    DataCategory(
        "calendars",
        "Your time zones and hours at which a day begins, and since when.",
        tables.learner_calendar,
    ),
    DataCategory("learner", "Your time zone now, and how many events of yours there are.", tables.learner),
    DataCategory(
        "requests",
        "Changes asked for under an Idempotency-Key in the last 72 hours, and the answers.",
        tables.idempotency,
        page=_FEW,
        hidden=NOT_EXPORTED,
    ),
)


def open_personal_data(engine: AsyncEngine) -> SqlPersonalData:
    """Returns the service's part of a user's personal data."""
    return SqlPersonalData(engine, "session", tables.erased_user, DATA_CATEGORIES)
