"""Statements that read what was derived."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from stats_service.adapters.db.tables import (
    awarded_badge,
    badge_definition,
    calendar_change,
    completion,
    daily_progress,
    learner,
    standing,
)
from stats_service.domain.completion import ALL_PRODUCTS


def learner_of(user_id: int) -> Select[Any]:
    """Returns a learner's calendar in force and how far their facts are complete.

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


def applied_through(user_ids: Collection[int]) -> Select[Any]:
    """Returns how far the facts of learners are complete."""
    whose = learner.c.user_id == any_(literal(list(user_ids), ARRAY(BigInteger)))
    return select(learner.c.user_id, learner.c.applied_through).where(whose)


def standing_of(user_id: int, product: str) -> Select[Any]:
    """Returns a learner's standing in a product."""
    return select(standing).where(standing.c.user_id == user_id, standing.c.product == product)


def days_between(user_id: int, product: str, first: date, last: date) -> Select[Any]:
    """Returns a learner's days with practice between two dates, both included, oldest first."""
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
    """Returns a learner's awards with what is shown of them, newest first.

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
