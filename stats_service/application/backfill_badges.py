"""Gives badges to people who met a definition before it was published.

Everybody's progress remembers the revision of the badge book it was made with,
so what is left to do is a question to the database: a lost or repeated message
costs nothing, and who practises meanwhile is brought up to date on the way.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from stats_service.application.derivation import rebuild
from stats_service.application.ports import LearnerStore


class BackfillBadges:
    """Rebuilds the progress of people who are behind the badge book, in chunks by their number."""

    def __init__(
        self,
        store: LearnerStore,
        *,
        chunk: int = 100,
        budget_seconds: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._chunk = chunk
        self._budget = budget_seconds
        self._monotonic = monotonic

    def __call__(self, after_user_id: int = 0) -> int | None:
        """Brings people after a number up to date for at most the budget; one transaction each.

        Returns the number to go on after, None when nobody is left. Raises
        UnavailableError when the database is in the way. Idempotent.
        """
        stop = self._monotonic() + self._budget
        position = after_user_id
        while people := self._store.outdated(position, self._chunk):
            for user_id in people:
                self._rebuild(user_id)
                position = user_id
                if self._monotonic() > stop:
                    return position
        return None

    def _rebuild(self, user_id: int) -> None:
        with self._store.work_on(user_id) as work:
            # Somebody else may have done it since the list was read.
            if work.book_revision != work.book().revision:
                rebuild(work)
                work.commit()
