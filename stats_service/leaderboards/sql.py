"""Boards, how users take part in them, and the scores that are kept of final ones, in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Date,
    Engine,
    Row,
    ScalarSelect,
    Select,
    Table,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from service_kit.db.engines import single_statements
from service_kit.db.faults import is_taken
from service_kit.db.idempotency import IdempotencyRecord
from service_kit.once import Idempotency
from service_kit.visible_text import appearance
from stats_service.adapters.db.learner_store import faults_understood
from stats_service.adapters.db.reader import SqlRead, read_of
from stats_service.adapters.db.tables import (
    daily_progress,
    erased_user,
    idempotency,
    leaderboard_closing,
    leaderboard_entry,
    leaderboard_key,
    leaderboard_settings,
)
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.errors import AliasTakenError
from stats_service.domain.periods import Cadence, Period
from stats_service.leaderboards.domain import Board, Metric, Score
from stats_service.leaderboards.ports import (
    BoardKey,
    ClosingStore,
    ClosingWork,
    LeaderboardReader,
    LeaderboardSettings,
    OpenSettings,
    Place,
    SettingsWork,
    Slice,
)


class SqlLeaderboardReader(LeaderboardReader):
    """Reads boards from PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = single_statements(engine)

    @override
    def slice(
        self, board: Board, metric: Metric, *, after: Place | None, limit: int, user_id: int
    ) -> SqlRead[Slice]:
        closed = closed_through(board.period.kind).scalar_subquery()
        statement = _slice_of(_scores_of(board, closed), metric, after, limit, user_id)
        statement = statement.add_columns(closed.label("closed_through"))
        return read_of(
            self._engine, statement, partial(_slice_from_rows, metric=metric, after=after, user_id=user_id)
        )


def _slice_from_rows(
    found: Sequence[Row[Any]], *, metric: Metric, after: Place | None, user_id: int
) -> Slice:
    first = found[0]
    own = (
        Score(user_id, first.own_seconds, first.own_sessions, first.own_alias or "")
        if first.own_seconds is not None
        else None
    )
    scores_shown = [_score_from_row(row) for row in found if row.user_id is not None]
    ahead = first.better
    if after and scores_shown and scores_shown[0].by(metric) == after.value:
        ahead += first.equal_before
    return Slice(
        scores_shown, first.total, first.better, ahead, own, first.better_than_own, first.closed_through
    )


def board_key(engine: AsyncEngine) -> BoardKey:
    """Returns what reads the key of names and page tokens, once."""
    known: list[bytes] = []

    async def key() -> bytes:
        if not known:
            async with engine.connect() as connection:
                known.append((await connection.execute(select(leaderboard_key.c.key))).scalar_one())
        return known[0]

    return key


def closed_through(kind: Cadence) -> Select[Any]:
    """Returns the date through which boards of a kind are final."""
    return select(leaderboard_closing.c.closed_through).where(leaderboard_closing.c.period == kind)


def _scores_of(board: Board, closed: ScalarSelect[date]) -> CompoundSelect[Any]:
    """Returns the kept scores of a final board, or else everybody's sums; only one of them is read."""
    final = func.coalesce(closed >= board.period.last, false())
    return union_all(_final_scores(board).where(final), _open_scores(board).where(~final))


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
    """Returns sums by learner of the chosen rows, those of learners who have opted out left aside."""
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
    scores: CompoundSelect[Any], metric: Metric, after: Place | None, limit: int, user_id: int
) -> Select[Any]:
    """Returns a row for each score of the slice, one without a score for an empty slice.

    Each has the figures of the whole board and the learner's own score.
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


def _score_from_row(row: Row[Any]) -> Score:
    return Score(row.user_id, row.seconds, row.sessions, row.alias or "")


def open_settings(engine: AsyncEngine) -> OpenSettings:
    """Returns what opens a transaction and rolls it back unless it was committed."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[SettingsWork]:
        async with engine.connect() as connection:
            yield SqlSettingsWork(connection)

    return opened


class SqlSettingsWork(SettingsWork):
    """A transaction in PostgreSQL on how users take part."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._idempotency = IdempotencyRecord(connection, idempotency)

    @property
    @override
    def idempotency(self) -> Idempotency:
        return self._idempotency

    @override
    async def find(self, user_id: int) -> LeaderboardSettings:
        mine = select(leaderboard_settings).where(leaderboard_settings.c.user_id == user_id)
        row = (await self._connection.execute(mine)).first()
        return LeaderboardSettings(row.alias, row.opted_out) if row else LeaderboardSettings()

    @override
    async def change(self, user_id: int, alias: str | None, opted_out: bool | None) -> LeaderboardSettings:
        # One statement: of changes at the same time to different settings both stay.
        said: dict[str, str | bool | None] = {}
        if alias is not None:
            said |= {"alias": alias, "alias_appearance": appearance(alias) or None}
        if opted_out is not None:
            said["opted_out"] = opted_out
        if said:
            put = insert(leaderboard_settings).values(user_id=user_id, **said)
            put = put.on_conflict_do_update(index_elements=["user_id"], set_=said)
            await self._put(put)
        return await self.find(user_id)

    async def _put(self, statement: Insert) -> None:
        try:
            await self._connection.execute(statement)
        except IntegrityError as error:
            # The only one that a learner can run into: the key is what the statement resolves.
            if is_taken(error):
                raise AliasTakenError from None
            raise

    @override
    async def commit(self) -> None:
        await self._connection.commit()


class SqlClosingStore(ClosingStore):
    """Final boards in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    @override
    def work_on(self, kind: Cadence) -> Iterator[ClosingWork]:
        with faults_understood(), self._engine.connect() as connection:
            connection.execute(insert(leaderboard_closing).values(period=kind).on_conflict_do_nothing())
            day = connection.execute(closed_through(kind).with_for_update()).scalar_one()
            yield SqlClosingWork(connection, day)

    @override
    def forget_erased(self) -> int:
        gone = delete(leaderboard_entry).where(leaderboard_entry.c.user_id == erased_user.c.user_id)
        with faults_understood(), self._engine.begin() as connection:
            return connection.execute(gone).rowcount


class SqlClosingWork(ClosingWork):
    """A transaction on a connection that holds the row of its kind."""

    def __init__(self, connection: Connection, day: date | None) -> None:
        self._connection = connection
        self._closed_through = day

    @property
    @override
    def closed_through(self) -> date | None:
        return self._closed_through

    @override
    def first_practice_after(self, day: date | None) -> date | None:
        first = select(func.min(daily_progress.c.local_date))
        if day is not None:
            first = first.where(daily_progress.c.local_date > day)
        found: date | None = self._connection.execute(first).scalar_one()
        return found

    @override
    def close(self, period: Period) -> None:
        # One statement: what is committed while it runs is in it as a whole or not at all.
        self._connection.execute(_KEEP, {"kind": period.kind, "first": period.first, "last": period.last})
        closing = update(leaderboard_closing).where(leaderboard_closing.c.period == period.kind)
        self._connection.execute(closing.values(closed_through=period.last))

    @override
    def commit(self) -> None:
        self._connection.commit()


_KEEP = insert(leaderboard_entry).from_select(
    ["period", "first_day", "product", "user_id", "elapsed_seconds", "session_count"],
    select(
        bindparam("kind", type_=leaderboard_entry.c.period.type),
        bindparam("first", type_=leaderboard_entry.c.first_day.type),
        daily_progress.c.product,
        daily_progress.c.user_id,
        func.sum(daily_progress.c.elapsed_seconds),
        func.sum(daily_progress.c.session_count),
    )
    .where(
        daily_progress.c.local_date.between(
            bindparam("first", type_=leaderboard_entry.c.first_day.type),
            bindparam("last", type_=leaderboard_entry.c.first_day.type),
        )
    )
    .group_by(daily_progress.c.product, daily_progress.c.user_id),
)
