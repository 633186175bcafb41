"""Shows years, weeks, months and hours of a learner's practice; changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from service_kit.paging import decode_page_token, encode_page_token, invalid_page_token
from stats_service.application.ports.reading import Reader, SummaryReader
from stats_service.application.today import Today, invalid_span
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.periods import Cadence, Period, periods_between
from stats_service.domain.summaries import (
    BestHours,
    DayTally,
    Heatmap,
    HourTally,
    Summary,
    best_hours,
    heatmap,
    summaries,
)


@dataclass(frozen=True, slots=True)
class YearToday:
    """A year as told on one of the learner's own days."""

    year: int
    product: str
    heatmap: Heatmap
    as_of: date
    pending: bool


class GetHeatmap:
    """Reads a year; changes nothing."""

    def __init__(self, reader: Reader, today: Today) -> None:
        self._reader = reader
        self._today = today

    async def __call__(
        self, user_id: int, product: str, year: int, *, min_user_seq: int = 0, time_zone: str | None = None
    ) -> YearToday:
        """Returns a year in a product, in all together when empty; of the learner's today when 0."""
        product = product or ALL_PRODUCTS
        await self._today.wait(user_id, min_user_seq)
        # The learner says which day it is: around New Year the year is one of two.
        first, last = (year, year) if year else (day.year for day in self._today.possible())
        learner, days, standing, protection = await self._reader.together(
            self._reader.learner(user_id),
            self._reader.days(user_id, product, date(first, 1, 1), date(last, 12, 31)),
            self._reader.standing(user_id, product),
            self._reader.protection(user_id),
        )
        now = self._today.of(learner, min_user_seq, time_zone)
        year = year or now.today.year
        tallies = {day: tally for day, tally in days if day.year == year}
        protection = protection.with_transition(now.transition)
        told = heatmap(year, tallies, standing.days, protection, product=product, today=now.today)
        return YearToday(year, product, told, now.today, now.pending)


MOST_PERIODS = 400

_METHOD = "ListSummaries"
_DEFAULT_PAGE_SIZE = 20
_DEFAULT_PERIODS = 12


@dataclass(frozen=True, slots=True)
class SummaryPage:
    """A page of weeks or months, oldest first; `total` counts those on all pages."""

    summaries: Sequence[Summary]
    total: int
    next_page_token: str
    pending: bool


class ListSummaries:
    """Reads sums over periods; changes nothing."""

    def __init__(self, summaries: SummaryReader, today: Today) -> None:
        self._summaries = summaries
        self._today = today

    async def __call__(
        self,
        user_id: int,
        product: str,
        kind: Cadence,
        first: date | None,
        last: date | None,
        *,
        page_size: int = 0,
        page_token: str = "",
        min_user_seq: int = 0,
        time_zone: str | None = None,
    ) -> SummaryPage:
        """Returns the periods from that of `first` to that of `last`, both included.

        `last` defaults to the learner's today, `first` to what makes twelve
        periods; a size of 0 means 20. Raises InvalidArgumentError when the days
        are in the wrong order or more than 400 periods apart, and for a token of
        another list.
        """
        selection = (product, kind, first, last)
        product = product or ALL_PRODUCTS
        start = _place(selection, page_token)

        def span_of(today: date) -> _Periods:
            return _Periods.of(kind, first, last or today, start, page_size or _DEFAULT_PAGE_SIZE)

        def read(span: _Periods) -> Awaitable[Sequence[DayTally]]:
            page = span.page
            since, until = ((page[0].before() or page[0]).first, page[-1].last) if page else _NOTHING
            return self._summaries.days_by_product(user_id, product, since, until)

        now, span, days = await self._today.along(
            user_id, min_user_seq, time_zone, span_of=span_of, read=read
        )
        if not span.is_valid:
            raise invalid_span(f"The last day must be 0 to {MOST_PERIODS - 1} periods after the first")
        return SummaryPage(
            summaries=summaries(span.page, days) if span.page else [],
            total=span.total,
            next_page_token=_token(selection, span.following) if span.following else "",
            pending=now.pending,
        )


# No day is between these.
_NOTHING = date.max, date.min


@dataclass(frozen=True, slots=True)
class _Periods:
    """A page of the periods between two days, and the period after the page."""

    page: Sequence[Period]
    following: Period | None
    total: int
    is_valid: bool

    @classmethod
    def of(cls, kind: Cadence, first: date | None, last: date, start: date, size: int) -> _Periods:
        """Returns those from `start` on; none when the days are no span that is told."""
        first = first or Period.of(kind, last).back(_DEFAULT_PERIODS - 1).first
        periods = list(islice(periods_between(kind, first, last), MOST_PERIODS + 1))
        if first > last or len(periods) > MOST_PERIODS:
            return cls([], None, 0, is_valid=False)
        left = [each for each in periods if each.first >= start]
        return cls(left[:size], left[size] if len(left) > size else None, len(periods), is_valid=True)


def _token(selection: Sequence[object], following: Period) -> str:
    return encode_page_token(_METHOD, selection, following.first.isoformat())


def _place(selection: Sequence[object], token: str) -> date:
    """Returns the day to go on from."""
    place = decode_page_token(_METHOD, selection, token)
    try:
        return date.min if place is None else date.fromisoformat(place)
    except (TypeError, ValueError) as error:
        raise invalid_page_token() from error


_LONGEST_SPAN = timedelta(days=366)
_DEFAULT_SPAN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class HoursOfDays:
    """The hours over a span of days, both ends included."""

    first: date
    last: date
    hours: BestHours
    pending: bool


class GetBestHours:
    """Reads completions by hour; changes nothing."""

    def __init__(self, summaries: SummaryReader, today: Today) -> None:
        self._summaries = summaries
        self._today = today

    async def __call__(
        self,
        user_id: int,
        product: str,
        first: date | None,
        last: date | None,
        *,
        min_user_seq: int = 0,
        time_zone: str | None = None,
    ) -> HoursOfDays:
        """Returns the hours of a product, of all together when empty.

        `last` defaults to the learner's today, `first` to 90 days before. Raises
        InvalidArgumentError when the days are in the wrong order or more than
        366 days apart.
        """

        def span_of(today: date) -> tuple[date, date]:
            until = last or today
            return first or max(date.min + _DEFAULT_SPAN, until) - _DEFAULT_SPAN, until

        def read(span: tuple[date, date]) -> Awaitable[Sequence[HourTally]]:
            told = span if _is_told(*span) else _NOTHING
            return self._summaries.hours(user_id, product or ALL_PRODUCTS, *told)

        now, span, tallies = await self._today.along(
            user_id, min_user_seq, time_zone, span_of=span_of, read=read
        )
        if not _is_told(*span):
            raise invalid_span(f"The last day must be 0 to {_LONGEST_SPAN.days} days after the first")
        return HoursOfDays(*span, best_hours(tallies), now.pending)


def _is_told(first: date, last: date) -> bool:
    return timedelta(0) <= last - first <= _LONGEST_SPAN
