"""Makes boards final once their time has come."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from stats_service.application.ports.leaderboards import ClosingStore
from stats_service.application.ports.surroundings import Clock
from stats_service.domain.leaderboards import last_finished, next_to_close
from stats_service.domain.periods import PeriodKind

_KINDS: tuple[PeriodKind, ...] = ("day", "week", "month")


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

    def _close_some(self, kind: PeriodKind, now: datetime, stop: float) -> bool:
        while self._close_one(kind, now):
            if self._monotonic() > stop:
                return True
        return False

    def _close_one(self, kind: PeriodKind, now: datetime) -> bool:
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
