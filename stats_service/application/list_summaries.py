"""Lists what a person practised, week by week or month by month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from service_kit.paging import decode_page_token, encode_page_token, invalid_page_token
from stats_service.application.own_days import Today, too_long
from stats_service.application.ports.summaries import SummaryReader
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.periods import Period, PeriodKind, periods_between
from stats_service.domain.summaries import Summary, summaries

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
        kind: PeriodKind,
        first: date | None,
        last: date | None,
        *,
        page_size: int = 0,
        page_token: str = "",
        min_user_seq: int = 0,
        time_zone: str | None = None,
    ) -> SummaryPage:
        """Returns the periods from that of `first` to that of `last`, both included.

        `last` defaults to the person's today, `first` to what makes twelve
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
            raise too_long(f"The last day must be 0 to {MOST_PERIODS - 1} periods after the first")
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
