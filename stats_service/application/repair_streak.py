"""Lets operators repair a streak."""

from __future__ import annotations

from datetime import date, datetime
from uuid import uuid4

from service_kit.call import Call
from stats_service.application.ports.streaks import StreakWork
from stats_service.application.recording import Recording
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.keeping import Repaired
from stats_service.domain.streak_changes import check_repair


class RepairStreak:
    """Records a repair with who did it and why. Idempotent by the call's key."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def __call__(
        self, call: Call, user_id: int, product: str, day: date, *, actor: str, reason: str
    ) -> Repaired:
        """Keeps a missed day for a product's streak, the one over all when empty.

        Raises RepairDayNotOverError, RepairNotNeededError,
        RepairWithoutStreakError, and what Recording raises.
        """
        product = product or ALL_PRODUCTS

        async def command(work: StreakWork, now: datetime, today: date) -> Repaired:
            check_repair(await work.days(product), await work.keeping(), product, day, today)
            return await work.record(
                Repaired(
                    entry_id=uuid4(),
                    recorded_at=now,
                    product=product,
                    day=day,
                    actor=actor,
                    reason=reason,
                )
            )

        return await self._recording.by_operator(call, user_id, Repaired, command)
