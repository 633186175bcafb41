"""What the use cases about streaks need from the outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol, TypeVar

from service_kit.once import Idempotency
from stats_service.application.ports.reading import Learner
from stats_service.domain.keeping import (
    Entry,
    FreezeGranted,
    Keeping,
    PauseCancelled,
    PlannedPause,
    Repaired,
    RestDays,
)
from stats_service.domain.standing import Standing

FreezeEvent = Literal["granted", "bought", "used", "refunded"]


@dataclass(frozen=True, slots=True)
class FreezeChange:
    """Something that became of a freeze on a day.

    `place` is where it stands in the ledger; None for what is so today and has
    not been written there.
    """

    event: FreezeEvent
    product: str
    day: date
    recorded_at: datetime | None = None
    place: str | None = None


E = TypeVar("E", RestDays, PlannedPause, PauseCancelled, FreezeGranted, Repaired)

# The instant and the place of the last change of a page.
LedgerPlace = tuple[datetime, str]


class StreakWork(Protocol):
    """One transaction on what keeps a person's streaks; no other and no completion comes between.

    Leaving it without a commit undoes everything.
    """

    @property
    def idempotency(self) -> Idempotency:
        """The answers to requests that may be sent again."""

    async def learner(self) -> Learner:
        """Returns what is known of the person."""

    async def entries(self) -> Sequence[Entry]:
        """Returns everything recorded, in the order of its recording."""

    async def keeping(self) -> Keeping:
        """Returns what keeps the person's streaks."""

    async def days(self, product: str) -> Sequence[date]:
        """Returns the days with practice of a product, or of all, in order."""

    async def record(self, entry: E) -> E:
        """Records an entry and makes stored progress outdated; returns the entry as recorded.

        Raises AccountErasedError for a person who was erased.
        """

    async def commit(self) -> None:
        """Makes the work durable."""


OpenStreakWork = Callable[[int], AbstractAsyncContextManager[StreakWork]]


class StreakReader(Protocol):
    """Reads committed facts and progress about streaks."""

    async def standings(self, user_id: int) -> Mapping[str, Standing]:
        """Returns a person's standing in every product practised, and in all."""

    async def frozen(self, user_id: int, product: str) -> Sequence[date]:
        """Returns the days on which freezes were used until the last practice, as the ledger has them."""

    async def anybody_outdated(self) -> bool:
        """Tells whether somebody's stored progress is outdated, as LearnerStore.outdated says it."""

    async def entries(self, user_id: int) -> Sequence[Entry]:
        """Returns everything recorded about a person, in the order of its recording."""

    async def ledger(
        self, user_id: int, product: str, *, after: LedgerPlace | None, limit: int
    ) -> Sequence[FreezeChange]:
        """Returns what became of freezes, the newest first, after a place."""
