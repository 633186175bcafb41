"""Every statement of the service, built here and executed by the sync and the async adapters alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    DateTime,
    Insert,
    Integer,
    Select,
    Table,
    Text,
    TextClause,
    Update,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

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
    streak_entry,
)
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.derivation import Derived
from stats_service.domain.digest import digest_of, digests, kinds_of
from stats_service.domain.facts import Facts, instant_of

# Held shared while completions are applied and alone while definitions are
# published: nobody who has practised is unknown to a backfill, and nobody is
# given badges by a book that is being replaced.
_BOOK_LOCK = 7_242_100

_FACT_COLUMNS = [column for column in completion.c if column.name != "received_at"]
_CHANGE_COLUMNS = [column for column in calendar_change.c if column.name != "received_at"]


# Applying completions


def hold_book() -> Select[Any]:
    """Keeps the badge book as it is until the transaction ends, and says that it is one that saves progress.

    Derived rows that any other transaction changes make a person's digest
    unknown.
    """
    return select(
        func.pg_advisory_xact_lock_shared(_BOOK_LOCK), func.set_config("stats.saving", "on", true())
    )


def make_learners(users: Sequence[int], book_revision: int) -> Insert:
    """Makes people's rows unless they are there. No progress at all is up to date with any book."""
    rows = [{"user_id": user, "book_revision": book_revision} for user in users]
    return insert(learner).values(rows).on_conflict_do_nothing()


def lock_learners(users: Sequence[int]) -> Select[Any]:
    """Locks people's rows until the transaction ends; returns what their progress was saved with.

    Whoever was erased has no row, though it was just made: a trigger skips it.
    """
    saved = learner.c.user_id, learner.c.book_revision, learner.c.progress_digest
    mine = select(*saved).where(learner.c.user_id.in_(users))
    return mine.order_by(learner.c.user_id).with_for_update()


def add_facts() -> Insert:
    """Stores facts, skipping any that clash on id, session or place; returns the ids of the stored."""
    return insert(completion).on_conflict_do_nothing().returning(completion.c.event_id)


def facts_with(event_ids: Collection[UUID]) -> Select[Any]:
    """Returns the facts with these ids."""
    return select(*_FACT_COLUMNS).where(completion.c.event_id.in_(event_ids))


def facts_of(user_id: int) -> Select[Any]:
    """Returns a person's facts, in no order."""
    return select(*_FACT_COLUMNS).where(completion.c.user_id == user_id)


def calendar_changes_of(users: Sequence[int]) -> Select[Any]:
    """Returns people's changes of calendar, in order."""
    order = calendar_change.c.user_id, calendar_change.c.effective_time, calendar_change.c.event_id
    return select(*_CHANGE_COLUMNS).where(_any_of(calendar_change.c.user_id, users)).order_by(*order)


def entries_of(users: Sequence[int]) -> Select[Any]:
    """Returns what keeps people's streaks, in the order of its recording."""
    order = streak_entry.c.user_id, streak_entry.c.recorded_at, streak_entry.c.entry_id
    return select(streak_entry).where(_any_of(streak_entry.c.user_id, users)).order_by(*order)


def _any_of(user_id: ColumnElement[int], users: Sequence[int]) -> ColumnElement[bool]:
    """One parameter for thousands of people: a list of them would take longer to write than to answer."""
    return user_id == any_(literal(list(users), ARRAY(BigInteger)))


def audit_freezes() -> TextClause:
    """Writes down which freezes are used and which refunded, compared with what is stored."""
    return text(
        """
        WITH was AS (
            SELECT user_id, product, unnest(frozen) AS day FROM stats.standing WHERE user_id = ANY(:users)
        ), becomes AS (
            SELECT * FROM unnest(
                cast(:owners AS bigint[]), cast(:products AS text[]), cast(:days AS date[])
            ) AS given (user_id, product, day)
        )
        INSERT INTO stats.freeze_ledger (user_id, product, day, change)
        SELECT *, 'refunded' FROM (SELECT * FROM was EXCEPT SELECT * FROM becomes) AS refunded
        UNION ALL
        SELECT *, 'used' FROM (SELECT * FROM becomes EXCEPT SELECT * FROM was) AS used
        ORDER BY 1, 2, 3
        """
    )


def freezes_of(users: Sequence[int], derived: Derived) -> Values:
    """Returns the values for audit_freezes."""
    used = [(*owner, day) for owner, days in derived.frozen.items() for day in days]
    owners, products, days = zip(*used, strict=True) if used else ((), (), ())
    return {"users": list(users), "owners": list(owners), "products": list(products), "days": list(days)}


def save_learners() -> Update:
    """Writes what people's rows say of their progress, and how far their facts are complete."""
    given = func.unnest(
        *(bindparam(name, type_=ARRAY(kind)) for name, kind in _LEARNER_VALUES.items())
    ).table_valued(*(column(name, kind) for name, kind in _LEARNER_VALUES.items()), name="given")
    given = given.render_derived()
    return (
        update(learner)
        .where(learner.c.user_id == given.c.whose)
        .values(
            time_zone=func.coalesce(given.c.zone, learner.c.time_zone),
            rollover_hour=func.coalesce(given.c.hour, learner.c.rollover_hour),
            latest_end_time=given.c.latest,
            book_revision=given.c.revision,
            progress_digest=given.c.digest,
            applied_through=_complete_through(),
            version=learner.c.version + 1,
        )
    )


_LEARNER_VALUES: Mapping[str, Any] = {
    "whose": BigInteger(),
    "zone": Text(),
    "hour": Integer(),
    "latest": DateTime(timezone=True),
    "revision": BigInteger(),
    "digest": BigInteger(),
}


def latest_of(users: Sequence[int], facts: Facts, derived: Derived, revision: int) -> Values:
    """Returns the values for save_learners."""
    latest = {user: rows.stop - 1 for user, rows in facts.people}
    people, found = digests(kinds_of(derived))
    calendars = [facts.calendars[facts.calendar[latest[user]]] if user in latest else None for user in users]
    return {
        "whose": list(users),
        "zone": [calendar and calendar.time_zone for calendar in calendars],
        "hour": [calendar and calendar.rollover_hour for calendar in calendars],
        "latest": [instant_of(int(facts.end[latest[user]])) if user in latest else None for user in users],
        "revision": [revision] * len(users),
        "digest": [digest_of(user, people, found) for user in users],
    }


def _complete_through() -> ColumnElement[int]:
    """The highest n with facts for 1..n, searched for from where it was: facts are never taken away.

    Completions and changes of calendar share the sequence.
    """
    places = union(
        *(
            select(kind.c.user_seq)
            .where(kind.c.user_id == learner.c.user_id, kind.c.user_seq > learner.c.applied_through)
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


def learner_of(user_id: int) -> Select[Any]:
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


def timeline_of(user_id: int, known_at: datetime | None = None) -> Select[Any]:
    """Returns the calendars that a person's facts tell, in order, each where it takes over from another.

    Only facts received until an instant are looked at, unless it is None.
    """
    kinds = [
        select(
            kind.c.user_id,
            instant.label("instant"),
            literal(rank).label("rank"),
            kind.c.event_id,
            kind.c.time_zone,
            kind.c.rollover_hour,
        ).where(kind.c.user_id == user_id, *received_by(kind, known_at))
        for kind, instant, rank in (
            (calendar_change, calendar_change.c.effective_time, 0),
            (completion, completion.c.end_time, 1),
        )
    ]
    told = union_all(*kinds).subquery()
    order = told.c.instant, told.c.rank, told.c.event_id
    before = [
        func.lag(told.c[name]).over(order_by=order).label(f"{name}_before")
        for name in ("time_zone", "rollover_hour")
    ]
    seen = select(told, *before).subquery()
    return (
        select(seen.c.instant, seen.c.time_zone, seen.c.rollover_hour)
        .where(
            or_(
                seen.c.time_zone.is_distinct_from(seen.c.time_zone_before),
                seen.c.rollover_hour.is_distinct_from(seen.c.rollover_hour_before),
            )
        )
        .order_by(seen.c.instant, seen.c.rank, seen.c.event_id)
    )


def sign_up_of(user_id: int, known_at: datetime | None = None) -> Select[Any]:
    """Returns when a person signed up, NULL while that is not known, by facts as timeline_of looks at."""
    return select(func.min(calendar_change.c.sign_up_time)).where(
        calendar_change.c.user_id == user_id, *received_by(calendar_change, known_at)
    )


def received_by(kind: Table, known_at: datetime | None) -> Sequence[ColumnElement[bool]]:
    """Returns the condition on facts to have been received by an instant; none when it is None."""
    return [] if known_at is None else [kind.c.received_at <= known_at]


def standing_of(user_id: int, product: str) -> Select[Any]:
    """Returns a person's standing in a product."""
    return select(standing).where(standing.c.user_id == user_id, standing.c.product == product)


def days_between(user_id: int, product: str, first: date, last: date) -> Select[Any]:
    """Returns a person's days with practice between two dates, both included, oldest first."""
    names = ("session_count", "elapsed_seconds", "answer_count", "correct_answer_count")
    days = (
        select(
            daily_progress.c.local_date,
            *(cast(func.sum(daily_progress.c[name]), BigInteger).label(name) for name in names),
        )
        .where(daily_progress.c.user_id == user_id, daily_progress.c.local_date.between(first, last))
        .group_by(daily_progress.c.local_date)
        .order_by(daily_progress.c.local_date)
    )
    return days if product == ALL_PRODUCTS else days.where(daily_progress.c.product == product)


def awarded_badges(user_id: int, *, product: str = "", session_id: int = 0) -> Select[Any]:
    """Returns a person's awards with what is shown of them, newest first.

    Only those of `product`, and those that `session_id` earned, unless they are empty.

    The texts are those of the newest version that demands what the awarded
    one did: a corrected name reaches everybody, a changed rule does not reach
    those who earned the badge by the old one.
    """
    given, shown = badge_definition.alias("given"), badge_definition.alias("shown")
    same_demand = [
        shown.c[name].is_not_distinct_from(given.c[name])
        for name in ("badge_id", "product", "condition", "first_day", "last_day")
    ]
    texts = (
        select(shown.c.name, shown.c.description, shown.c.icon)
        .where(*same_demand)
        .order_by(shown.c.version.desc())
        .limit(1)
        .lateral()
    )
    this_version = and_(
        given.c.badge_id == awarded_badge.c.badge_id, given.c.version == awarded_badge.c.version
    )
    earned_by = and_(
        completion.c.user_id == awarded_badge.c.user_id, completion.c.user_seq == awarded_badge.c.user_seq
    )
    demand = [given.c[name] for name in ("product", "condition", "first_day", "last_day", "hidden", "state")]
    awards = (
        select(
            awarded_badge.c.badge_id,
            awarded_badge.c.version,
            completion.c.session_id,
            completion.c.end_time.label("award_time"),
            *demand,
            *texts.c,
        )
        .join(given, this_version)
        .join(completion, earned_by)
        .join(texts, true())
        .where(awarded_badge.c.user_id == user_id)
        .order_by(completion.c.end_time.desc(), awarded_badge.c.badge_id)
    )
    if product:
        awards = awards.where(given.c.product == product)
    if session_id:
        awards = awards.where(completion.c.session_id == session_id)
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
