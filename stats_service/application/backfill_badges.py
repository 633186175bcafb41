"""Brings people up to date whose stored progress is not what would be derived now.

That is so after a badge was published, when everybody may have met it already,
and after something was recorded that keeps a person's streak. Everybody's
progress remembers the revision of the badge book it was made with, so what is
left to do is a question to the database: a lost or repeated message costs
nothing, and who practises meanwhile is brought up to date on the way. Nobody
waits for somebody else whose progress cannot be derived.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import structlog

from service_kit.errors import AccountErasedError, UnavailableError
from stats_service.application.derivation import rederive
from stats_service.application.ports.learners import LearnerStore

log = structlog.get_logger(__name__)


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

        Returns the number to go on after, None when nobody is left. Whoever
        cannot be derived is logged and stays behind, for the next backfill to
        try again. Raises UnavailableError when the database is in the way.
        Idempotent.
        """
        stop = self._monotonic() + self._budget
        position = after_user_id
        while people := self._store.outdated(position, self._chunk):
            self._bring_up_to_date(people)
            position = people[-1]
            if self._monotonic() > stop:
                return position
        return None

    def _bring_up_to_date(self, people: Sequence[int]) -> None:
        """Derives people together, or each alone when they cannot be derived together."""
        try:
            with self._store.work_on(people) as work:
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
            if len(people) > 1:
                for person in people:
                    self._bring_up_to_date([person])
            else:
                log.error("person_not_derived", user_id=people[0], exc_info=error)
