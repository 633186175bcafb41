"""Shows years, weeks, months and hours of a learner's practice; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from service_kit.paging import decode_page_token, encode_page_token, invalid_page_token
from stats_service.application.ports.reading import Reader, SummaryReader
from stats_service.application.today import Today, invalid_span
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.periods import Cadence, Period, periods_between
from stats_service.domain.summaries import BestHours, Heatmap, Summary, best_hours, heatmap, summaries


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
        now = await self._today(user_id, min_user_seq, time_zone)
        last = last or now.today
        first = first or Period.of(kind, last).back(_DEFAULT_PERIODS - 1).first
        periods = list(islice(periods_between(kind, first, last), MOST_PERIODS + 1))
        if first > last or len(periods) > MOST_PERIODS:
            raise invalid_span(f"The last day must be 0 to {MOST_PERIODS - 1} periods after the first")
        start = _place(selection, page_token)
        left = [each for each in periods if each.first >= start]
        page = left[: page_size or _DEFAULT_PAGE_SIZE]
        following = left[len(page) : len(page) + 1]
        return SummaryPage(
            summaries=await self._read(user_id, product, page),
            total=len(periods),
            next_page_token=_token(selection, following[0]) if following else "",
            pending=now.pending,
        )

    async def _read(self, user_id: int, product: str, page: Sequence[Period]) -> Sequence[Summary]:
        if not page:
            return []
        since = (page[0].before() or page[0]).first
        days = await self._summaries.days_by_product(user_id, product, since, page[-1].last)
        return summaries(page, days)


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
        now = await self._today(user_id, min_user_seq, time_zone)
        last = last or now.today
        first = first or max(date.min + _DEFAULT_SPAN, last) - _DEFAULT_SPAN
        if not timedelta(0) <= last - first <= _LONGEST_SPAN:
            raise invalid_span(f"The last day must be 0 to {_LONGEST_SPAN.days} days after the first")
        tallies = await self._summaries.hours(user_id, product or ALL_PRODUCTS, first, last)
        return HoursOfDays(first, last, best_hours(tallies), now.pending)
