"""What the use cases about leaderboards need from the outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from service_kit.once import Idempotency
from stats_service.domain.periods import Cadence, Period
from stats_service.leaderboards.domain import Board, Metric, Score

# Returns what anonymous names and page tokens are made with; always the same.
BoardKey = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody's place in the order of a board: by what they have, and among equals by account."""

    value: int
    user_id: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive scores of a board as of one moment, best first, and one learner's own.

    `total` counts everybody shown, `better` those with more than the first of
    the slice, `ahead` everybody before that one, `better_than_own` those with
    more than the learner. Boards of the kind are final through `closed_through`,
    None while none is.
    """

    scores: Sequence[Score]
    total: int
    better: int
    ahead: int
    own: Score | None
    better_than_own: int
    closed_through: date | None


class LeaderboardReader(Protocol):
    """Reads committed scores. Nobody who has opted out is in any answer."""

    def slice(
        self, board: Board, metric: Metric, *, after: Place | None, limit: int, user_id: int
    ) -> Awaitable[Slice]:
        """Returns at most `limit` scores after a place, or the first; the kept ones of a final board.

        For Reader.together too.
        """


@dataclass(frozen=True, slots=True)
class LeaderboardSettings:
    """How a learner takes part. `alias` is empty for the anonymous one."""

    alias: str = ""
    opted_out: bool = False


class SettingsWork(Protocol):
    """One transaction on how learners take part. Leaving it without a commit undoes everything."""

    @property
    def idempotency(self) -> Idempotency:
        """The answers to requests that may be sent again."""

    async def find(self, user_id: int) -> LeaderboardSettings:
        """Returns a learner's settings."""

    async def change(self, user_id: int, alias: str | None, opted_out: bool | None) -> LeaderboardSettings:
        """Changes what is not None, and returns what it is then.

        Raises AliasTakenError for a name that looks like another learner's; the
        transaction is of no use then.
        """

    async def commit(self) -> None:
        """Makes the work durable."""


OpenSettings = Callable[[], AbstractAsyncContextManager[SettingsWork]]


class ClosingWork(Protocol):
    """One transaction on the boards of a kind; other machines wait until it is done."""

    @property
    def closed_through(self) -> date | None:
        """The date through which boards of the kind are final."""

    def first_practice_after(self, day: date | None) -> date | None:
        """Returns the first day after one, or of all, on which anybody has practised."""

    def close(self, period: Period) -> None:
        """Keeps the scores of every product in a period; makes its boards, and all before them, final."""

    def commit(self) -> None:
        """Makes the work durable."""


class ClosingStore(Protocol):
    """Where final boards are kept. Synchronous. Raises UnavailableError when the database is in the way."""

    def work_on(self, kind: Cadence) -> AbstractContextManager[ClosingWork]:
        """Starts a transaction on the boards of a kind, waiting for any other on them."""

    def forget_erased(self) -> int:
        """Deletes scores that were kept of learners while they were erased; returns how many. Idempotent."""
