"""Statements about badge definitions, and about who is behind them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from functools import cache
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
    awarded_badge,
    badge_definition,
    completion,
    learner,
)

# Held shared while completions are applied and alone while definitions are
# published: nobody who has practised is unknown to a backfill, and nobody is
# given badges by a catalogue that is being replaced.
_BOOK_LOCK = 7_242_100
# What one transaction of a backfill may hold, about 30 MB; somebody with more facts has one alone.
MOST_FACTS = 100_000


@cache
def hold_catalogue() -> Select[Any]:
    """Keeps the badge catalogue as it is until the transaction ends, and marks that as saving progress.

    Derived rows that any other transaction changes make a learner's digest
    unknown.
    """
    return select(
        func.pg_advisory_xact_lock_shared(_BOOK_LOCK), func.set_config("stats.saving", "on", true())
    )


@cache
def catalogue_revision() -> Select[Any]:
    """Returns the badge catalogue's revision, 0 while it is empty."""
    return select(func.coalesce(func.max(badge_definition.c.revision), 0))


def every_version() -> Select[Any]:
    """Returns every version of every badge."""
    return select(badge_definition).order_by(badge_definition.c.badge_id, badge_definition.c.version)


def newest_versions() -> Select[Any]:
    """Returns the newest version of every badge."""
    return select(badge_definition).where(badge_definition.c.replaced_at.is_(None))


def lock_catalogue() -> Select[Any]:
    """Waits until nobody applies completions, and lets nobody until the transaction ends."""
    return select(func.pg_advisory_xact_lock(_BOOK_LOCK))


def replace_versions(badge_ids: Collection[str]) -> Update:
    """Makes the newest versions of these badges replaced as of now.

    Of one that was earned by a session ending later still, as a device's clock
    told it, right after that: nobody loses a badge to the version that follows.
    """
    newest = and_(badge_definition.c.badge_id.in_(badge_ids), badge_definition.c.replaced_at.is_(None))
    now = func.clock_timestamp()
    earned_last = (
        select(func.max(completion.c.end_time) + timedelta(microseconds=1))
        .join_from(awarded_badge, learner, learner.c.user_id == awarded_badge.c.user_id)
        .join(
            completion,
            and_(
                completion.c.user_id == awarded_badge.c.user_id,
                completion.c.user_seq == awarded_badge.c.user_seq,
            ),
        )
        # Few have facts from the future: only their awards are looked at.
        .where(learner.c.latest_end_time >= now, awarded_badge.c.badge_id == badge_definition.c.badge_id)
        .correlate(badge_definition)
        .scalar_subquery()
    )
    return update(badge_definition).where(newest).values(replaced_at=func.greatest(now, earned_last))


def add_versions() -> Insert:
    """Stores new versions."""
    return insert(badge_definition)


def outdated_learners(after_user_id: int, limit: int) -> Select[Any]:
    """Returns learners whose progress was made with an older catalogue, in the order of their numbers.

    At most `limit` of them, and no more than fit into memory together.
    """
    behind = learner.c.catalogue_revision < catalogue_revision().scalar_subquery()
    ahead = (
        select(learner.c.user_id, learner.c.applied_through)
        .where(behind, learner.c.user_id > after_user_id)
        .order_by(learner.c.user_id)
        .limit(limit)
    )
    return with_few_facts(ahead, MOST_FACTS)


def with_few_facts(learners: Select[Any], most: int) -> Select[Any]:
    """Returns the first of some learners by number, as many as have few enough facts together, one at least.

    `learners` selects `user_id` and `applied_through`.
    """
    ahead = learners.subquery()
    before = func.sum(ahead.c.applied_through).over(order_by=ahead.c.user_id) - ahead.c.applied_through
    counted = select(ahead.c.user_id, before.label("before")).subquery()
    # Nothing comes before the first, so there is always one.
    return select(counted.c.user_id).where(counted.c.before < most).order_by(counted.c.user_id)


def anybody_outdated() -> Select[Any]:
    """Tells whether outdated_learners would return anybody."""
    return select(exists().where(learner.c.catalogue_revision < catalogue_revision().scalar_subquery()))
