"""Brings people up to date whose progress was made otherwise than it would be now.

That is so after a badge was published, when everybody may have met it already,
and after something was recorded that keeps a person's streak. Everybody's
progress remembers the revision of the badge book it was made with, so what is
left to do is a question to the database: a lost or repeated message costs
nothing, and who practises meanwhile is brought up to date on the way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from service_kit.errors import AccountErasedError
from stats_service.application.derivation import rederive
from stats_service.application.ports.learners import LearnerStore


class BackfillBadges:
    """Derives anew the progress of people who are behind, in chunks by their number."""

    def __init__(
        self,
        store: LearnerStore,
        *,
        chunk: int = 200,
        budget_seconds: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._chunk = chunk
        self._budget = budget_seconds
        self._monotonic = monotonic

    def __call__(self, after_user_id: int = 0) -> int | None:
        """Brings people after a number up to date for about the budget; one transaction a chunk.

        Returns the number to go on after, None when nobody is left. Raises
        UnavailableError when the database is in the way. Idempotent.
        """
        stop = self._monotonic() + self._budget
        position = after_user_id
        while people := self._store.outdated(position, self._chunk):
            # All of them may have been erased since the list was read.
            with suppress(AccountErasedError), self._store.work_on(people) as work:
                # Somebody else may have done it since the list was read.
                if work.outdated:
                    rederive(work)
                    work.commit()
            position = people[-1]
            if self._monotonic() > stop:
                return position
        return None
