"""Lets people buy a freeze ahead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import uuid4

from service_kit.call import Call
from stats_service.application.ports.streaks import StreakWork
from stats_service.application.recording import Recording
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.keeping import DEFAULT_FREEZE_PURCHASES, FreezeGranted
from stats_service.domain.streak_changes import check_freeze, check_purchases, freezes_held


@dataclass(frozen=True, slots=True)
class FreezesHeld:
    """How many freezes are held for a streak, and how many can be."""

    product: str
    held: int
    limit: int


class BuyFreeze:
    """Records a freeze that was bought. Idempotent by the call's key."""

    def __init__(
        self, recording: Recording, freeze_limit: int, purchases: int = DEFAULT_FREEZE_PURCHASES
    ) -> None:
        """At most `freeze_limit` freezes can be held for a streak, and `purchases` bought in 30 days."""
        self._recording = recording
        self._freeze_limit = freeze_limit
        self._purchases = purchases

    async def __call__(self, call: Call, product: str) -> FreezesHeld:
        """Adds a freeze, held from today on, to a product's streak, the one over all when empty.

        Raises FreezeLimitReachedError, FreezePurchasesUsedUpError, and what Recording raises.
        """
        product = product or ALL_PRODUCTS

        async def command(work: StreakWork, now: datetime, today: date) -> FreezesHeld:
            held = freezes_held(await work.days(product), await work.keeping(), product, today)
            check_freeze(held, product, self._freeze_limit)
            check_purchases(await work.entries(), now, self._purchases)
            await work.record(
                FreezeGranted(
                    entry_id=uuid4(),
                    recorded_at=now,
                    product=product,
                    day=today,
                    source="bought",
                    held_at_most=self._freeze_limit,
                )
            )
            return FreezesHeld(product, held + 1, self._freeze_limit)

        return await self._recording.by_person(call, FreezesHeld, command)
