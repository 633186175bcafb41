"""The clock, the language of conditions, and the queue of backfills."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from stats_service.domain.conditions import Condition

Clock = Callable[[], datetime]


# Returns the condition that a text says. Raises ConditionError for one that says none.
CompileCondition = Callable[[str], Condition]


class BackfillQueue(Protocol):
    """Where backfills are asked for."""

    async def request(self) -> None:
        """Asks for a backfill of badges. Raises UnavailableError when the queue does not answer."""
