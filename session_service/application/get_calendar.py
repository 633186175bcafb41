"""Shows callers how their days run, and how they ran before."""

from __future__ import annotations

from collections.abc import Sequence

from service_kit.call import Call
from session_service.application.ports.learners import CalendarReaders
from session_service.domain.learner import CalendarChange, Learner

_MOST_CHANGES = 100


class GetCalendar:
    """Returns what is known of the caller and their newest changes of calendar, newest first."""

    def __init__(self, readers: CalendarReaders) -> None:
        self._readers = readers

    async def __call__(self, call: Call) -> tuple[Learner, Sequence[CalendarChange]]:
        """Returns both as of one moment."""
        return await self._readers.learner(call.user_id, _MOST_CHANGES)
