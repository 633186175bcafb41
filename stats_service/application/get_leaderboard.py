"""Shows who practised most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from service_kit.errors import InvalidArgumentError
from service_kit.paging import decode_page_token, encode_page_token
from stats_service.application.board_places import open_place, seal_place
from stats_service.application.own_days import Today
from stats_service.application.ports.leaderboards import BoardKey, LeaderboardReader, Place, Slice
from stats_service.application.ports.surroundings import Clock
from stats_service.domain.aliases import anonymous_alias
from stats_service.domain.leaderboards import (
    Board,
    Metric,
    Score,
    State,
    closes_at,
    has_begun,
    ranks,
    state_of,
)
from stats_service.domain.periods import Period, PeriodKind

_METHOD = "GetLeaderboard"
_DEFAULT_PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in a board; `score` has the name that is shown."""

    rank: int
    score: Score


@dataclass(frozen=True, slots=True)
class BoardPage:
    """A page of a board, and the caller's own place wherever that is."""

    board: Board
    state: State
    closes_time: datetime
    entries: Sequence[Entry]
    own: Entry | None
    total: int
    next_page_token: str
    pending: bool


class GetLeaderboard:
    """Reads a board; changes nothing. Open boards are what daily progress says now."""

    def __init__(
        self, leaderboards: LeaderboardReader, key: BoardKey, today: Today, clock: Clock, grace: timedelta
    ) -> None:
        self._leaderboards = leaderboards
        self._key = key
        self._today = today
        self._clock = clock
        self._grace = grace

    async def __call__(
        self,
        user_id: int,
        product: str,
        kind: PeriodKind,
        day: date | None,
        *,
        metric: Metric = "seconds",
        page_size: int = 0,
        page_token: str = "",
        min_user_seq: int = 0,
        time_zone: str | None = None,
    ) -> BoardPage:
        """Returns a page of the board over the period that `day`, or else the caller's today, is in.

        A size of 0 means 50. A page goes on after the last score of the one
        before, as it was then: nobody whose score grows is shown twice, and
        only who overtakes that score is missed. Raises InvalidArgumentError for
        a period that has not begun anywhere and for a token of another list.
        """
        own = await self._today(user_id, min_user_seq, time_zone)
        now = self._clock()
        period = Period.of(kind, day or own.today)
        if not has_begun(period, now):
            raise InvalidArgumentError(
                "The period has not begun anywhere", reason="FIELD_INVALID", field="start_date"
            )
        selection = (product, kind, period.first, metric)
        key = await self._key()
        after = open_place(decode_page_token(_METHOD, selection, page_token), selection, key)
        state = state_of(period, now, await self._leaderboards.closed_through(kind))
        board = Board(product, period)
        found = await self._leaderboards.slice(
            board,
            metric,
            final=state == "final",
            after=after,
            limit=page_size or _DEFAULT_PAGE_SIZE,
            user_id=user_id,
        )
        last = _last(found, metric)
        return BoardPage(
            board=board,
            state=state,
            closes_time=closes_at(period, self._grace),
            entries=_entries(found, metric, key),
            own=_entry(found.better_than_own + 1, found.own, key) if found.own else None,
            total=found.total,
            next_page_token=_token(selection, last, key),
            pending=own.pending,
        )


def _token(selection: Sequence[object], last: Place | None, key: bytes) -> str:
    return encode_page_token(_METHOD, selection, seal_place(last, selection, key)) if last else ""


def _last(found: Slice, metric: Metric) -> Place | None:
    """Returns the place of the last score of a slice that others follow."""
    if not found.scores or found.ahead + len(found.scores) >= found.total:
        return None
    score = found.scores[-1]
    return Place(score.by(metric), score.user_id)


def _entries(found: Slice, metric: Metric, key: bytes) -> Sequence[Entry]:
    values = [score.by(metric) for score in found.scores]
    told = ranks(values, ahead=found.ahead, better=found.better)
    return [_entry(rank, score, key) for rank, score in zip(told, found.scores, strict=True)]


def _entry(rank: int, score: Score, key: bytes) -> Entry:
    return Entry(rank, replace(score, alias=score.alias or anonymous_alias(score.user_id, key)))
