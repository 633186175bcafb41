"""Shows boards and how users take part in them, and makes boards final once their time has come."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from service_kit.call import Call
from service_kit.errors import InvalidArgumentError
from service_kit.once import once
from service_kit.paging import decode_page_token, encode_page_token
from stats_service.application.ports.clock import Clock
from stats_service.application.today import Today
from stats_service.domain.periods import Cadence, Period
from stats_service.leaderboards.domain import (
    Board,
    Metric,
    Score,
    State,
    anonymous_alias,
    closes_at,
    has_begun,
    is_alias,
    is_anonymous_form,
    last_finished,
    next_to_close,
    ranks,
    state_of,
)
from stats_service.leaderboards.page_places import open_place, seal_place
from stats_service.leaderboards.ports import (
    BoardKey,
    ClosingStore,
    LeaderboardReader,
    LeaderboardSettings,
    OpenSettings,
    Place,
    SettingsWork,
    Slice,
)

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
        kind: Cadence,
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
        if day and not has_begun(Period.of(kind, day), self._clock()):
            raise InvalidArgumentError(
                "The period has not begun anywhere", reason="FIELD_INVALID", field="start_date"
            )
        key = await self._key()

        def place_in(period: Period) -> Place | None:
            selection = (product, kind, period.first, metric)
            return open_place(decode_page_token(_METHOD, selection, page_token), selection, key)

        def read(period: Period) -> Awaitable[Slice]:
            try:
                after = place_in(period)
            except InvalidArgumentError:
                # Of another board, or the caller's today is in another period than was guessed.
                after = None
            limit = page_size or _DEFAULT_PAGE_SIZE
            return self._leaderboards.slice(
                Board(product, period), metric, after=after, limit=limit, user_id=user_id
            )

        own, period, found = await self._today.along(
            user_id, min_user_seq, time_zone, span_of=lambda today: Period.of(kind, day or today), read=read
        )
        place_in(period)
        selection = (product, kind, period.first, metric)
        board, now = Board(product, period), self._clock()
        last = _last(found, metric)
        return BoardPage(
            board=board,
            state=state_of(period, now, found.closed_through),
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


class GetLeaderboardSettings:
    """Reads settings; changes nothing."""

    def __init__(self, settings: OpenSettings, key: BoardKey) -> None:
        self._settings = settings
        self._key = key

    async def __call__(self, user_id: int) -> LeaderboardSettings:
        """Returns a learner's settings with the name that is shown."""
        key = await self._key()
        async with self._settings() as work:
            return with_shown_alias(user_id, await work.find(user_id), key)


def with_shown_alias(user_id: int, settings: LeaderboardSettings, key: bytes) -> LeaderboardSettings:
    """Returns settings with the anonymous name in the place of none."""
    return replace(settings, alias=settings.alias or anonymous_alias(user_id, key))


class UpdateLeaderboardSettings:
    """Changes how a learner takes part. Idempotent by the call's key.

    Boards look settings up when they are read, so it is in force on all of
    them with the commit.
    """

    def __init__(self, settings: OpenSettings, key: BoardKey) -> None:
        self._settings = settings
        self._key = key

    async def __call__(
        self, call: Call, *, alias: str | None = None, opted_out: bool | None = None
    ) -> LeaderboardSettings:
        """Returns the settings; None leaves one as it was, an empty name is the anonymous one.

        Raises InvalidArgumentError for a text that is no name or looks like an
        anonymous one, and AliasTakenError for a name that looks like another's.
        """
        if alias:
            _check(alias)
        key = await self._key()

        async def command(work: SettingsWork) -> LeaderboardSettings:
            return with_shown_alias(call.user_id, await work.change(call.user_id, alias, opted_out), key)

        return await once(self._settings, call, LeaderboardSettings, command)


def _check(alias: str) -> None:
    if not is_alias(alias):
        raise _invalid("A name has 1 to 40 characters in one line, some to see, and no spaces around them")
    if is_anonymous_form(alias):
        raise _invalid("This form of name is for learners who have not chosen one")


def _invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, reason="FIELD_INVALID", field="alias", rule="alias.form")


_KINDS: tuple[Cadence, ...] = ("day", "week", "month")


class CloseLeaderboards:
    """Keeps the scores of finished periods; facts that come later do not change them.

    One transaction a period, in order. How far boards are final is kept with
    the scores, so any number of machines may run it at any time, and one that
    was off for days goes on where it was.
    """

    def __init__(
        self,
        store: ClosingStore,
        clock: Clock,
        grace: timedelta,
        *,
        budget_seconds: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._grace = grace
        self._budget = budget_seconds
        self._monotonic = monotonic

    def __call__(self) -> bool:
        """Closes boards for about the budget; tells whether some are left.

        Raises UnavailableError when the database is in the way. Idempotent.
        """
        stop = self._monotonic() + self._budget
        now = self._clock()
        left = [kind for kind in _KINDS if self._close_some(kind, now, stop)]
        # Afterwards, so that whoever was erased meanwhile is found.
        self._store.forget_erased()
        return bool(left)

    def _close_some(self, kind: Cadence, now: datetime, stop: float) -> bool:
        while self._close_one(kind, now):
            if self._monotonic() > stop:
                return True
        return False

    def _close_one(self, kind: Cadence, now: datetime) -> bool:
        """Closes the next period; tells whether there is another."""
        finished = last_finished(kind, now, self._grace)
        with self._store.work_on(kind) as work:
            closed = work.closed_through
            if closed is not None and closed >= finished.last:
                return False
            period = next_to_close(finished, work.first_practice_after(closed))
            work.close(period)
            work.commit()
        return period != finished
