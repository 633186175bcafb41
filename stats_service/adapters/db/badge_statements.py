"""Statements about badge definitions, and about who is behind them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    Insert,
    Select,
    Update,
    and_,
    exists,
    func,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from stats_service.adapters.db.tables import (
    badge_definition,
    learner,
)

# Held shared while completions are applied and alone while definitions are
# published: nobody who has practised is unknown to a backfill, and nobody is
# given badges by a book that is being replaced.
_BOOK_LOCK = 7_242_100


def hold_book() -> Select[Any]:
    """Keeps the badge book as it is until the transaction ends, and says that it is one that saves progress.

    Derived rows that any other transaction changes make a person's digest
    unknown.
    """
    return select(
        func.pg_advisory_xact_lock_shared(_BOOK_LOCK), func.set_config("stats.saving", "on", true())
    )


def book_revision() -> Select[Any]:
    """Returns the badge book's revision, 0 while it is empty."""
    return select(func.coalesce(func.max(badge_definition.c.revision), 0))


def every_version() -> Select[Any]:
    """Returns every version of every badge."""
    return select(badge_definition).order_by(badge_definition.c.badge_id, badge_definition.c.version)


def newest_versions() -> Select[Any]:
    """Returns the newest version of every badge."""
    return select(badge_definition).where(badge_definition.c.replaced_at.is_(None))


def change_book() -> Select[Any]:
    """Waits until nobody applies completions, and lets nobody until the transaction ends."""
    return select(func.pg_advisory_xact_lock(_BOOK_LOCK))


def replace_versions(badge_ids: Collection[str]) -> Update:
    """Makes the newest versions of these badges replaced as of now."""
    newest = and_(badge_definition.c.badge_id.in_(badge_ids), badge_definition.c.replaced_at.is_(None))
    return update(badge_definition).where(newest).values(replaced_at=func.clock_timestamp())


def add_versions() -> Insert:
    """Stores new versions."""
    return insert(badge_definition)


def outdated_learners(after_user_id: int, limit: int) -> Select[Any]:
    """Returns people whose progress was made with an older book, in the order of their numbers."""
    behind = learner.c.book_revision < book_revision().scalar_subquery()
    return (
        select(learner.c.user_id)
        .where(behind, learner.c.user_id > after_user_id)
        .order_by(learner.c.user_id)
        .limit(limit)
    )


def anybody_outdated() -> Select[Any]:
    """Tells whether outdated_learners would return anybody."""
    return select(exists().where(learner.c.book_revision < book_revision().scalar_subquery()))
