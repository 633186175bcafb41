"""What the use cases about streaks need from the outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Protocol, TypeVar

from service_kit.once import Idempotency
from stats_service.application.ports.reading import Learner
from stats_service.domain.protection import (
    Entry,
    FreezeGranted,
    PauseCancelled,
    PlannedPause,
    Repaired,
    RestDays,
    StreakProtection,
)

E = TypeVar("E", RestDays, PlannedPause, PauseCancelled, FreezeGranted, Repaired)


class StreakWork(Protocol):
    """One transaction on what keeps a learner's streaks; no other and no completion comes between.

    Leaving it without a commit undoes everything.
    """

    @property
    def idempotency(self) -> Idempotency:
        """The answers to requests that may be sent again."""

    async def learner(self) -> Learner:
        """Returns what is known of the learner."""

    async def entries(self) -> Sequence[Entry]:
        """Returns everything recorded, in the order of its recording."""

    async def protection(self) -> StreakProtection:
        """Returns what keeps the learner's streaks."""

    async def days(self, product: str) -> Sequence[date]:
        """Returns the days with practice of a product, or of all, in order."""

    async def record(self, entry: E) -> E:
        """Records an entry and makes stored progress outdated; returns the entry as recorded.

        Raises AccountErasedError for a learner who was erased.
        """

    async def commit(self) -> None:
        """Makes the work durable."""


OpenStreakWork = Callable[[int], AbstractAsyncContextManager[StreakWork]]
