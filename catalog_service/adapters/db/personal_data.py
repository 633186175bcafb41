"""The categories of personal data in the catalog's tables."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from catalog_service.adapters.db import tables
from service_kit.db.data_categories import DataCategory, SqlPersonalData
from service_kit.db.idempotency import NOT_EXPORTED

DATA_CATEGORIES = (
    DataCategory(
        "problems",
        "Problems that you wrote.",
        tables.problems,
        owned=lambda user_id: tables.problems.c.owner_id == user_id,
        # What searches compare: the title and the description again.
        hidden=frozenset({"searched", "grams", "shipped_key"}),
        page=50,
    ),
    DataCategory(
        "requests",
        "Changes asked for under an Idempotency-Key in the last 72 hours, and the answers.",
        tables.idempotency,
        hidden=NOT_EXPORTED,
    ),
)


def open_personal_data(engine: AsyncEngine) -> SqlPersonalData:
    """Returns the catalog's part of what is a user's."""
    return SqlPersonalData(engine, "catalog", tables.erased_user, DATA_CATEGORIES)
