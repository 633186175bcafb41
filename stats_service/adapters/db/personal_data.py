"""Where the stats service keeps what is a learner's: every table with the learner's number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from sqlalchemy import (
    Date,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    distinct,
    func,
    literal,
    select,
    tuple_,
    union,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service_kit.db.data_categories import DataCategory, SqlPersonalData
from service_kit.db.idempotency import NOT_EXPORTED
from stats_service.adapters.db import tables
from stats_service.domain.periods import Cadence


def categories() -> Sequence[DataCategory]:
    """Returns the tables in the order in which they are emptied.

    The learner's own row goes first: work on them holds its lock. What was
    under way is done then, and finds its place among what goes next; what
    comes later finds nobody to work on.
    """
    others = [
        table
        for table in reversed(tables.metadata.sorted_tables)
        if "user_id" in table.c and table not in (tables.learner, tables.erased_user)
    ]
    return [_category(table) for table in (tables.learner, *others)]


def _category(table: Table) -> DataCategory:
    if table is tables.idempotency:
        return DataCategory("requests", _REQUESTS, table, hidden=NOT_EXPORTED)
    return DataCategory(table.name, _ABOUT[table.name], table, hidden=_HIDDEN.get(table.name, frozenset()))


_REQUESTS = "Changes asked for under an Idempotency-Key in the last 72 hours, and the answers."
# Made to compare with others.
_HIDDEN = {"leaderboard_settings": frozenset({"alias_appearance"})}
_ABOUT = {
    "learner": "Your time zone, and how far your practice is counted.",
    "completion": "Sessions that ended, as they were counted.",
    "calendar_change": "When your time zone, or the hour at which your day begins, changed.",
    "daily_progress": "What you did each day, by product.",
    "standing": "Your totals, the days you practised and those a freeze kept, by product and over all.",
    "awarded_badge": "Badges that you have; user_seq is the completion that earned it.",
    "streak_entry": "Rest days, pauses, freezes and repairs that keep your streaks.",
    "freeze_ledger": "When a freeze was used, or given back.",
    "leaderboard_settings": "Whether and under which name you are on leaderboards.",
    "leaderboard_entry": "Your scores on leaderboards that are final.",
    "rejected_event": "Events of yours that could not be counted, and why.",
    "recalculation_difference": "Where your progress was not what your practice adds up to, at a check.",
    "reconciliation_learner": "Where what was counted was not what happened, at a check, and what was done.",
}


def open_personal_data(engine: AsyncEngine) -> SqlPersonalData:
    """Returns the service's part of what is a learner's."""
    return SqlPersonalData(engine, "stats", tables.erased_user, categories(), boards_without)


async def boards_without(connection: AsyncConnection, user_id: int) -> dict[str, int]:
    """Counts the leaderboards, open and final, whose other learners move up once the learner is gone."""
    return {"leaderboards": (await connection.execute(_BOARDS, {"owner": user_id})).scalar_one()}


def _boards() -> Select[Any]:
    """Returns a count: one board a period and product with practice, and one a period for all products."""
    days, kept = tables.daily_progress.c, tables.leaderboard_entry.c
    owner = bindparam("owner", type_=days.user_id.type)
    open_boards = [
        select(
            literal(kind, Text).label("period"),
            cast(func.date_trunc(kind, days.local_date), Date).label("first_day"),
            days.product,
        ).where(days.user_id == owner)
        for kind in get_args(Cadence)
    ]
    final = select(kept.period, kept.first_day, kept.product).where(kept.user_id == owner)
    boards = union(*open_boards, final).subquery()
    hidden = select(literal(True)).where(
        tables.leaderboard_settings.c.user_id == owner, tables.leaderboard_settings.c.opted_out
    )
    together = func.count(distinct(tuple_(boards.c.period, boards.c.first_day)))
    return select(func.count() + together).select_from(boards).where(~hidden.exists())


_BOARDS = _boards()
