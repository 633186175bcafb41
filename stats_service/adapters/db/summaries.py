"""A learner's sums by day and product, and by weekday and hour, as the gRPC server reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, cast, func, select
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from service_kit.db.engines import single_statements
from stats_service.adapters.db.fact_statements import counted_facts, sums_of
from stats_service.adapters.db.reader import SqlRead, read_of
from stats_service.adapters.db.rows import tally_from_row
from stats_service.adapters.db.tables import completion, daily_progress
from stats_service.application.ports.reading import SummaryReader
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.summaries import DayTally, HourTally


class SqlSummaryReader(SummaryReader):
    """Reads sums from PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = single_statements(engine)

    @override
    def days_by_product(
        self, user_id: int, product: str, first: date, last: date
    ) -> SqlRead[Sequence[DayTally]]:
        return read_of(
            self._engine,
            _days_by_product(user_id, product, first, last),
            lambda found: [(row.local_date, row.product, tally_from_row(row)) for row in found],
        )

    @override
    def hours(self, user_id: int, product: str, first: date, last: date) -> SqlRead[Sequence[HourTally]]:
        return read_of(
            self._engine,
            _hours(user_id, product, first, last),
            lambda found: [(row.weekday, row.hour, tally_from_row(row)) for row in found],
        )


def _days_by_product(user_id: int, product: str, first: date, last: date) -> Select[Any]:
    days = (
        select(daily_progress)
        .where(daily_progress.c.user_id == user_id, daily_progress.c.local_date.between(first, last))
        .order_by(daily_progress.c.local_date, daily_progress.c.product)
    )
    return days if product == ALL_PRODUCTS else days.where(daily_progress.c.product == product)


def _hours(user_id: int, product: str, first: date, last: date) -> Select[Any]:
    # ISO weekdays begin with 1 for Monday.
    counted = counted_facts(completion.c.user_id == user_id, completion.c.local_date.between(first, last))
    weekday = cast(func.extract("isodow", counted.c.local_date), Integer) - 1
    hour = cast(counted.c.local_minute // 60, Integer)
    columns: list[ColumnElement[Any]] = [
        weekday.label("weekday"),
        hour.label("hour"),
        *sums_of(counted),
    ]
    chosen = select(*columns).select_from(counted).group_by("weekday", "hour")
    return chosen if product == ALL_PRODUCTS else chosen.where(counted.c.product == product)
