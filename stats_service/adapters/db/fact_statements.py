"""Statements about facts: added once, never taken away, read in an order of their own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Insert,
    Select,
    Subquery,
    Table,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.sql.elements import CollectionAggregate

from stats_service.adapters.db.tables import (
    calendar_change,
    completion,
    rejected_event,
    streak_entry,
)
from stats_service.domain.practice import MOST_SECONDS_A_DAY

_FACT_COLUMNS = [column for column in completion.c if column.name not in ("received_at", "practised_seconds")]
_CHANGE_COLUMNS = [column for column in calendar_change.c if column.name != "received_at"]


def add_facts(*provided: ColumnElement[bool]) -> Insert:
    """Stores facts, skipping any that clash on id, session or place; returns id and learner of each stored.

    None is stored unless what is `provided` is so. A list for each column, by its name: with a parameter
    for each value the statement would be another one for each number of facts, which takes longer to
    write than to run.
    """
    lists = (bindparam(column.name, type_=ARRAY(column.type)) for column in _FACT_COLUMNS)
    names = [column.name for column in _FACT_COLUMNS]
    given = func.unnest(*lists).table_valued(*names, name="given").render_derived()
    stored = insert(completion).from_select(
        names, select(*(given.c[name] for name in names)).where(*provided)
    )
    return stored.on_conflict_do_nothing().returning(completion.c.event_id, completion.c.user_id)


def facts_with(event_ids: Collection[UUID]) -> Select[Any]:
    """Returns the facts with these ids."""
    return select(*_FACT_COLUMNS).where(completion.c.event_id == _any_event(event_ids))


def facts_of(user_id: int) -> Select[Any]:
    """Returns a learner's facts, in no order."""
    return select(*_FACT_COLUMNS).where(completion.c.user_id == user_id)


@cache
def add_calendar_changes() -> Insert:
    """Stores changes of calendar as add_facts does facts."""
    return insert(calendar_change).on_conflict_do_nothing().returning(calendar_change.c.event_id)


def calendar_changes_with(event_ids: Collection[UUID]) -> Select[Any]:
    """Returns the changes of calendar with these ids."""
    return select(*_CHANGE_COLUMNS).where(calendar_change.c.event_id.in_(event_ids))


def calendar_changes_of(users: Sequence[int] | None) -> Select[Any]:
    """Returns learners' changes of calendar, in order; of the value for `users` when None."""
    order = calendar_change.c.user_id, calendar_change.c.effective_time, calendar_change.c.event_id
    return select(*_CHANGE_COLUMNS).where(_any_of(calendar_change.c.user_id, users)).order_by(*order)


def entries_of(users: Sequence[int] | None) -> Select[Any]:
    """Returns what keeps learners' streaks, in the order of its recording; of whom as calendar_changes_of."""
    order = streak_entry.c.user_id, streak_entry.c.recorded_at, streak_entry.c.entry_id
    return select(streak_entry).where(_any_of(streak_entry.c.user_id, users)).order_by(*order)


def _any_of(user_id: ColumnElement[int], users: Sequence[int] | None) -> ColumnElement[bool]:
    """One parameter for thousands of learners: a list of them would take longer to write than to answer."""
    kind = ARRAY(BigInteger)
    return user_id == any_(bindparam("users", type_=kind) if users is None else literal(list(users), kind))


def _any_event(event_ids: Collection[UUID]) -> CollectionAggregate[Any]:
    return any_(literal(list(event_ids), ARRAY(Uuid)))


def timeline_of(user_id: int, known_at: datetime | None = None) -> Select[Any]:
    """Returns the calendars that a learner's facts tell, in order, each where it takes over from another.

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
    """Returns when a learner signed up, NULL while that is not known, by facts as timeline_of looks at."""
    return select(func.min(calendar_change.c.sign_up_time).label("sign_up_time")).where(
        calendar_change.c.user_id == user_id, *received_by(calendar_change, known_at)
    )


def synced_days_of(
    user_id: int, before: date | ColumnElement[date], known_at: datetime | None = None
) -> Select[Any]:
    """Returns the products and days before a day of a learner's synced sessions that count."""
    days = completion.c.product, completion.c.local_date
    return (
        select(*days)
        .distinct()
        .where(
            completion.c.user_id == user_id,
            completion.c.synced,
            completion.c.counts,
            completion.c.local_date < before,
            *received_by(completion, known_at),
        )
    )


def received_by(kind: Table, known_at: datetime | None) -> Sequence[ColumnElement[bool]]:
    """Returns the condition on facts to have been received by an instant; none when it is None."""
    return [] if known_at is None else [kind.c.received_at <= known_at]


def applied(event_ids: Collection[UUID]) -> CompoundSelect[Any]:
    """Returns which of these events are facts."""
    return union_all(
        *(
            select(kind.c.event_id).where(kind.c.event_id == _any_event(event_ids))
            for kind in (completion, calendar_change)
        )
    )


def add_rejections() -> Insert:
    """Records refused events, each content once."""
    return insert(rejected_event).on_conflict_do_nothing()


def rejected(event_ids: Collection[UUID]) -> Select[Any]:
    """Returns which of these events were refused, with the reasons, the latest last."""
    return (
        select(rejected_event.c.event_id, rejected_event.c.reason)
        .where(rejected_event.c.event_id == _any_event(event_ids))
        .order_by(rejected_event.c.rejected_at, rejected_event.c.payload_digest)
    )


def counted_facts(*of_a_person: ColumnElement[bool]) -> Subquery:
    """Returns the completions that count, of every product: they share the seconds of their days.

    The conditions select a learner and may select whole days; products are
    chosen from what is returned.
    """
    order = completion.c.end_time, completion.c.event_id
    until = func.sum(completion.c.practised_seconds).over(
        partition_by=completion.c.local_date, order_by=order, rows=(None, 0)
    )
    running = select(completion, until.label("until")).where(completion.c.counts, *of_a_person).subquery()
    before = running.c.until - running.c.practised_seconds
    seconds = func.least(running.c.until, MOST_SECONDS_A_DAY) - func.least(before, MOST_SECONDS_A_DAY)
    return select(running, cast(seconds, BigInteger).label("counted_seconds")).subquery()


def sums_of(counted: Subquery) -> Sequence[ColumnElement[int]]:
    """Returns the sums over some of `counted_facts` by the names that a Tally has."""
    return [
        func.count().label("session_count"),
        *(
            cast(func.coalesce(func.sum(counted.c[column]), 0), BigInteger).label(name)
            for name, column in (
                ("elapsed_seconds", "counted_seconds"),
                ("answer_count", "answer_count"),
                ("correct_answer_count", "correct_answer_count"),
            )
        ),
    ]
