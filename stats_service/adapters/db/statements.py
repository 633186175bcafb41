"""Every statement of the service, built here and executed by the sync and the async adapters alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Delete,
    Insert,
    Select,
    Table,
    Update,
    and_,
    case,
    delete,
    exists,
    func,
    select,
    true,
    tuple_,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from stats_service.adapters.db.rows import Values
from stats_service.adapters.db.tables import (
    awarded_badge,
    badge_definition,
    calendar_change,
    completion,
    daily_progress,
    learner,
    rejected_event,
    standing,
)
from stats_service.domain.progress import DayKey, Progress

# Held shared while completions are applied and alone while definitions are
# published: nobody who has practised is unknown to a backfill, and nobody is
# given badges by a book that is being replaced.
_BOOK_LOCK = 7_242_100

_FACT_COLUMNS = [column for column in completion.c if column.name != "received_at"]
_CHANGE_COLUMNS = [column for column in calendar_change.c if column.name != "received_at"]


# Applying completions


def hold_book() -> Select[Any]:
    """Keeps the badge book as it is until the transaction ends."""
    return select(func.pg_advisory_xact_lock_shared(_BOOK_LOCK))


def make_learner(user_id: int, book_revision: int) -> Insert:
    """Makes a person's row unless it is there. No progress at all is up to date with any book."""
    return insert(learner).values(user_id=user_id, book_revision=book_revision).on_conflict_do_nothing()


def lock_learner(user_id: int) -> Select[Any]:
    """Returns a person's row, locked until the transaction ends."""
    return select(learner).where(learner.c.user_id == user_id).with_for_update()


def add_facts() -> Insert:
    """Stores facts, skipping any that clash on id, session or place; returns the ids of the stored."""
    return insert(completion).on_conflict_do_nothing().returning(completion.c.event_id)


def facts_with(event_ids: Collection[UUID]) -> Select[Any]:
    """Returns the facts with these ids."""
    return select(*_FACT_COLUMNS).where(completion.c.event_id.in_(event_ids))


def facts_of(user_id: int) -> Select[Any]:
    """Returns every fact of a person, in canonical order."""
    order = completion.c.end_time, completion.c.event_id
    return select(*_FACT_COLUMNS).where(completion.c.user_id == user_id).order_by(*order)


def days_of(user_id: int, days: Iterable[DayKey] | None) -> Select[Any]:
    """Returns a person's daily progress, of these products and days or all."""
    mine = select(daily_progress).where(daily_progress.c.user_id == user_id)
    if days is None:
        return mine
    return mine.where(tuple_(daily_progress.c.product, daily_progress.c.local_date).in_(sorted(days)))


def standings_of(user_id: int) -> Select[Any]:
    """Returns a person's standings in every product."""
    return select(standing).where(standing.c.user_id == user_id)


def awards_of(user_id: int) -> Select[Any]:
    """Returns a person's awards."""
    return select(awarded_badge).where(awarded_badge.c.user_id == user_id)


def upsert(table: Table) -> Insert:
    """Writes derived rows, in place of those with the same key."""
    statement = insert(table)
    rest = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=rest)


def remove(table: Table, keys: Iterable[Values]) -> Delete:
    """Deletes derived rows by their keys."""
    columns = list(table.primary_key)
    return delete(table).where(
        tuple_(*columns).in_([[key[column.name] for column in columns] for key in keys])
    )


def save_learner(user_id: int, progress: Progress, book_revision: int) -> Update:
    """Writes what a person's row says of their progress, and how far their facts are complete."""
    end_time, event_id = progress.latest or (None, None)
    return (
        update(learner)
        .where(learner.c.user_id == user_id)
        .values(
            time_zone=progress.calendar.time_zone,
            rollover_hour=progress.calendar.rollover_hour,
            latest_end_time=end_time,
            latest_event_id=event_id,
            applied_through=_complete_through(user_id),
            book_revision=book_revision,
            version=learner.c.version + 1,
        )
    )


def _complete_through(user_id: int) -> ColumnElement[int]:
    """The highest n with facts for 1..n, searched for from where it was: facts are never taken away.

    Completions and changes of calendar share the sequence.
    """
    places = union(
        *(
            select(kind.c.user_seq)
            .where(kind.c.user_id == user_id, kind.c.user_seq > learner.c.applied_through)
            .correlate(learner)
            for kind in (completion, calendar_change)
        )
    ).lateral()
    place = func.row_number().over(order_by=places.c.user_seq)
    beyond = select(places.c.user_seq, place.label("place")).correlate(learner).lateral()
    unbroken = (
        select(func.max(beyond.c.user_seq))
        .where(beyond.c.user_seq == learner.c.applied_through + beyond.c.place)
        .correlate(learner)
        .scalar_subquery()
    )
    return func.coalesce(unbroken, learner.c.applied_through)


def add_calendar_changes() -> Insert:
    """Stores changes of calendar as add_facts does facts."""
    return insert(calendar_change).on_conflict_do_nothing().returning(calendar_change.c.event_id)


def calendar_changes_with(event_ids: Collection[UUID]) -> Select[Any]:
    """Returns the changes of calendar with these ids."""
    return select(*_CHANGE_COLUMNS).where(calendar_change.c.event_id.in_(event_ids))


def advance_learner(user_id: int) -> Update:
    """Writes how far a person's facts are complete."""
    mine = update(learner).where(learner.c.user_id == user_id)
    return mine.values(applied_through=_complete_through(user_id), version=learner.c.version + 1)


def add_rejections() -> Insert:
    """Records refused events, each content once."""
    return insert(rejected_event).on_conflict_do_nothing()


# Badge definitions


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


# Reads


def person(user_id: int) -> Select[Any]:
    """Returns a person's calendar in force and how far their facts are complete.

    The last fact carried a calendar, and one may have been put in force since.
    """
    newest = (
        select(calendar_change)
        .where(calendar_change.c.user_id == user_id)
        .order_by(calendar_change.c.effective_time.desc(), calendar_change.c.user_seq.desc())
        .limit(1)
        .subquery()
    )
    last_fact = func.coalesce(learner.c.latest_end_time, newest.c.effective_time)
    changed_since = newest.c.effective_time >= last_fact
    return (
        select(
            case((changed_since, newest.c.time_zone), else_=learner.c.time_zone).label("time_zone"),
            case((changed_since, newest.c.rollover_hour), else_=learner.c.rollover_hour).label(
                "rollover_hour"
            ),
            learner.c.applied_through,
        )
        .select_from(learner.outerjoin(newest, true()))
        .where(learner.c.user_id == user_id)
    )


def standing_of(user_id: int, product: str) -> Select[Any]:
    """Returns a person's standing in a product."""
    return standings_of(user_id).where(standing.c.product == product)


def days_between(user_id: int, product: str, first: date, last: date) -> Select[Any]:
    """Returns a person's days with practice between two dates, both included, oldest first."""
    return (
        select(daily_progress)
        .where(
            daily_progress.c.user_id == user_id,
            daily_progress.c.product == product,
            daily_progress.c.local_date.between(first, last),
        )
        .order_by(daily_progress.c.local_date)
    )


def awarded_badges(user_id: int, *, product: str = "", session_id: int = 0) -> Select[Any]:
    """Returns a person's awards with what is shown of them, newest first.

    Only those of `product`, and those that `session_id` earned, unless they are empty.

    The texts are those of the newest version that demands what the awarded
    one did: a corrected name reaches everybody, a changed rule does not reach
    those who earned the badge by the old one.
    """
    given, shown = badge_definition.alias("given"), badge_definition.alias("shown")
    same_demand = and_(
        shown.c.badge_id == given.c.badge_id,
        shown.c.product == given.c.product,
        shown.c.metric == given.c.metric,
        shown.c.threshold == given.c.threshold,
    )
    texts = (
        select(shown.c.name, shown.c.description, shown.c.icon)
        .where(same_demand)
        .order_by(shown.c.version.desc())
        .limit(1)
        .lateral()
    )
    this_version = and_(
        given.c.badge_id == awarded_badge.c.badge_id, given.c.version == awarded_badge.c.version
    )
    awards = (
        select(awarded_badge, given.c.product, given.c.metric, given.c.threshold, *texts.c)
        .join(given, this_version)
        .join(texts, true())
        .where(awarded_badge.c.user_id == user_id)
        .order_by(awarded_badge.c.award_time.desc(), awarded_badge.c.badge_id)
    )
    if product:
        awards = awards.where(given.c.product == product)
    if session_id:
        awards = awards.where(awarded_badge.c.session_id == session_id)
    return awards


def applied(event_ids: Collection[UUID]) -> CompoundSelect[Any]:
    """Returns which of these events are facts."""
    return union_all(
        *(
            select(kind.c.event_id).where(kind.c.event_id.in_(event_ids))
            for kind in (completion, calendar_change)
        )
    )


def rejected(event_ids: Collection[UUID]) -> Select[Any]:
    """Returns which of these events were refused, with the reasons, the latest last."""
    return (
        select(rejected_event.c.event_id, rejected_event.c.reason)
        .where(rejected_event.c.event_id.in_(event_ids))
        .order_by(rejected_event.c.rejected_at, rejected_event.c.payload_digest)
    )
