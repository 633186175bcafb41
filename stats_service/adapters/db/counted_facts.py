"""Completions with the time of theirs that counts, as domain/practised_time.py has it, of one person."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, ColumnElement, Subquery, cast, func, select

from stats_service.adapters.db.tables import completion
from stats_service.domain.practised_time import MOST_SECONDS_A_DAY


def counted_facts(*of_a_person: ColumnElement[bool]) -> Subquery:
    """Returns the completions that count, of every product: they share the seconds of their days.

    The conditions select a person and may select whole days; products are
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
