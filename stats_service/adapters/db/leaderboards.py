"""Boards as the gRPC server reads them: from daily progress while they are open, from kept scores when final.

Every page sums up the whole board, because every score of it may have changed:
84,000 days of 29,000 people take 20 ms, 60 when a rebuild has left the rows
in the order of people.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    Row,
    Select,
    Table,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from stats_service.adapters.db.tables import (
    daily_progress,
    leaderboard_closing,
    leaderboard_entry,
    leaderboard_key,
    leaderboard_settings,
)
from stats_service.application.ports.leaderboards import BoardKey, Place, Slice
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.leaderboards import Board, Metric, Score
from stats_service.domain.periods import PeriodKind


class SqlLeaderboardReader:
    """Implements LeaderboardReader."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def closed_through(self, kind: PeriodKind) -> date | None:
        """Implements LeaderboardReader.closed_through."""
        async with self._engine.connect() as connection:
            day: date | None = (await connection.execute(closed_through(kind))).scalar_one_or_none()
        return day

    async def slice(
        self, board: Board, metric: Metric, *, final: bool, after: Place | None, limit: int, user_id: int
    ) -> Slice:
        """Implements LeaderboardReader.slice."""
        scores = _final_scores(board) if final else _open_scores(board)
        statement = _slice_of(scores, metric, after, limit, user_id)
        async with self._engine.connect() as connection:
            found = (await connection.execute(statement)).all()
        first = found[0]
        own = (
            Score(user_id, first.own_seconds, first.own_sessions, first.own_alias or "")
            if first.own_seconds is not None
            else None
        )
        scores_shown = [_to_score(row) for row in found if row.user_id is not None]
        ahead = first.better
        if after and scores_shown and scores_shown[0].by(metric) == after.value:
            ahead += first.equal_before
        return Slice(scores_shown, first.total, first.better, ahead, own, first.better_than_own)


def board_key(engine: AsyncEngine) -> BoardKey:
    """Returns what reads the key of names and page tokens, once."""
    known: list[bytes] = []

    async def key() -> bytes:
        if not known:
            async with engine.connect() as connection:
                known.append((await connection.execute(select(leaderboard_key.c.key))).scalar_one())
        return known[0]

    return key


def closed_through(kind: PeriodKind) -> Select[Any]:
    """Returns the date through which boards of a kind are final."""
    return select(leaderboard_closing.c.closed_through).where(leaderboard_closing.c.period == kind)


def _open_scores(board: Board) -> Select[Any]:
    """Returns everybody's sums over the days of a board."""
    days = cast(literal(board.period.first), Date), cast(literal(board.period.last), Date)
    return _scores(daily_progress, board, daily_progress.c.local_date.between(*days))


def _final_scores(board: Board) -> Select[Any]:
    """Returns the kept scores of a board."""
    kept = leaderboard_entry.c
    return _scores(
        leaderboard_entry,
        board,
        and_(kept.period == board.period.kind, kept.first_day == board.period.first),
    )


def _scores(table: Table, board: Board, chosen: ColumnElement[bool]) -> Select[Any]:
    """Returns sums by person of the chosen rows, those of people who have opted out left aside."""
    opted_out = exists().where(
        leaderboard_settings.c.user_id == table.c.user_id, leaderboard_settings.c.opted_out
    )
    sums = (
        select(
            table.c.user_id,
            cast(func.sum(table.c.elapsed_seconds), BigInteger).label("seconds"),
            cast(func.sum(table.c.session_count), BigInteger).label("sessions"),
        )
        .where(chosen, ~opted_out)
        .group_by(table.c.user_id)
    )
    return sums if board.product == ALL_PRODUCTS else sums.where(table.c.product == board.product)


def _slice_of(
    scores: Select[Any], metric: Metric, after: Place | None, limit: int, user_id: int
) -> Select[Any]:
    """Returns a row for each score of the slice, one without a score for an empty slice.

    Each has the figures of the whole board and the person's own score.
    """
    # Summed once, and looked at for each figure.
    board = scores.cte("board").prefix_with("MATERIALIZED", dialect="postgresql")
    best_first = board.c[metric].desc(), board.c.user_id
    follows, equal_before = _around(board, metric, after)
    page = select(board).where(follows).order_by(*best_first).limit(limit).cte("page")
    own = select(board).where(board.c.user_id == user_id).cte("own")
    figures = select(
        func.count().label("total"),
        _better_than(board, page, metric).label("better"),
        func.count().filter(equal_before).label("equal_before"),
        _better_than(board, own, metric).label("better_than_own"),
    ).select_from(board)
    figures_of = figures.cte("figures")
    names = leaderboard_settings.alias("names")
    own_names = leaderboard_settings.alias("own_names")
    return (
        select(
            figures_of,
            page,
            names.c.alias,
            own.c.seconds.label("own_seconds"),
            own.c.sessions.label("own_sessions"),
            own_names.c.alias.label("own_alias"),
        )
        .select_from(
            figures_of.outerjoin(own, true())
            .outerjoin(own_names, own_names.c.user_id == own.c.user_id)
            .outerjoin(page, true())
            .outerjoin(names, names.c.user_id == page.c.user_id)
        )
        .order_by(page.c[metric].desc(), page.c.user_id)
    )


def _around(
    board: CTE, metric: Metric, place: Place | None
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Returns who follows a place, and who has as much without following it."""
    if place is None:
        return true(), false()
    value, user_id = cast(literal(place.value), BigInteger), cast(literal(place.user_id), BigInteger)
    mine, theirs = board.c[metric], board.c.user_id
    follows = or_(mine < value, and_(mine == value, theirs > user_id))
    return follows, and_(mine == value, theirs <= user_id)


def _better_than(board: CTE, some: CTE, metric: Metric) -> ColumnElement[int]:
    """Counts those who have more than the best of some."""
    return func.count().filter(board.c[metric] > select(func.max(some.c[metric])).scalar_subquery())


def _to_score(row: Row[Any]) -> Score:
    return Score(row.user_id, row.seconds, row.sessions, row.alias or "")
