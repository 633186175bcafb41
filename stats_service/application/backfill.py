"""Brings learners up to date whose stored progress is not what would be derived now.

That is so after a badge was published, when everybody may have met it already,
and after something was recorded that keeps a learner's streak. Everybody's
progress remembers the revision of the badge catalogue it was made with, so what is
left to do is a question to the database: a lost or repeated message costs
nothing, and who practises meanwhile is brought up to date on the way. Nobody
waits for somebody else whose progress cannot be derived.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from service_kit.errors import AccountErasedError, UnavailableError
from service_kit.logging import get_logger
from stats_service.application.ingest import rederive
from stats_service.application.ports.badges import BackfillQueue
from stats_service.application.ports.learners import LearnerStore
from stats_service.application.ports.reading import Reader

log = get_logger(__name__)


class BackfillBadges:
    """Derives anew the progress of learners who are behind, in chunks by their number."""

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
        """Brings learners after a number up to date for about the budget; one transaction a chunk.

        Returns the number to go on after, None when nobody is left. Whoever
        cannot be derived is logged and stays behind, for the next backfill to
        try again. Raises UnavailableError when the database is in the way.
        Idempotent.
        """
        stop = self._monotonic() + self._budget
        position = after_user_id
        while learners := self._store.outdated(position, self._chunk):
            self._bring_up_to_date(learners)
            position = learners[-1]
            if self._monotonic() > stop:
                return position
        return None

    def _bring_up_to_date(self, learners: Sequence[int]) -> None:
        """Derives learners together, or each alone when they cannot be derived together."""
        try:
            with self._store.work_on(learners) as work:
                # Somebody else may have done it since the list was read.
                if work.outdated:
                    rederive(work)
                    work.commit()
        except UnavailableError:
            raise
        except AccountErasedError:
            # All of them were, since the list was read.
            return
        except Exception as error:
            if len(learners) > 1:
                for learner in learners:
                    self._bring_up_to_date([learner])
            else:
                log.error("person_not_derived", user_id=learners[0], exc_info=error)


class CatchUp:
    """Asks for a backfill when somebody is behind: whoever changed something may not have been able to.

    Any number of copies may run it; a backfill with nothing to do is a query.
    """

    def __init__(self, reader: Reader, backfills: BackfillQueue) -> None:
        self._reader = reader
        self._backfills = backfills

    async def __call__(self) -> None:
        """Raises UnavailableError when the queue does not answer. Idempotent."""
        if await self._reader.anybody_outdated():
            await self._backfills.request()
