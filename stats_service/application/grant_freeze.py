"""Lets operators grant a freeze."""

from __future__ import annotations

from datetime import date, datetime
from uuid import uuid4

from service_kit.call import Call
from stats_service.application.ports.streaks import StreakWork
from stats_service.application.recording import Recording
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.keeping import FreezeGranted
from stats_service.domain.streak_changes import check_freeze, freezes_held


class GrantFreeze:
    """Records a freeze with who granted it and why. Idempotent by the call's key."""

    def __init__(self, recording: Recording, freeze_limit: int) -> None:
        """At most `freeze_limit` freezes can be held for a streak."""
        self._recording = recording
        self._freeze_limit = freeze_limit

    async def __call__(
        self, call: Call, user_id: int, product: str, *, actor: str, reason: str
    ) -> FreezeGranted:
        """Adds a freeze, held from the user's today on, to a product's streak, the one over all when empty.

        Raises FreezeLimitReachedError, and what Recording raises.
        """
        product = product or ALL_PRODUCTS

        async def command(work: StreakWork, now: datetime, today: date) -> FreezeGranted:
            held = freezes_held(await work.days(product), await work.keeping(), product, today)
            check_freeze(held, product, self._freeze_limit)
            return await work.record(
                FreezeGranted(
                    entry_id=uuid4(),
                    recorded_at=now,
                    product=product,
                    day=today,
                    actor=actor,
                    reason=reason,
                    held_at_most=self._freeze_limit,
                )
            )

        return await self._recording.by_operator(call, user_id, FreezeGranted, command)
