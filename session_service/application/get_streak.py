"""Tells for how many days in a row a user has practised."""

from __future__ import annotations

from service_kit.call import Call
from session_service.application.ports.reading import Readers
from session_service.application.ports.statistics import Statistics, Streak
from session_service.domain.policies import policy_of


class GetStreak:
    """Reads the caller's streak in a product once statistics include their last ended session.

    Waits under a second for that; later than this, the streak is the one
    known so far. Raises ProductUnknownError, UnavailableError.
    """

    def __init__(self, readers: Readers, statistics: Statistics) -> None:
        self._readers = readers
        self._statistics = statistics

    async def __call__(self, call: Call, product: str) -> Streak:
        """Returns the streak."""
        name = policy_of(product).product
        mark = await self._readers.learner_mark(call.user_id)
        if mark.last_seq:
            await self._statistics.caught_up(call.user_id, mark.last_seq)
        return await self._statistics.streak(call.user_id, name)
