"""Counts ended sessions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from stats_service.application.applying import Applied, Applying, Delivery
from stats_service.application.derivation import rederive
from stats_service.application.ports.learners import LearnerStore, LearnerWork
from stats_service.domain.completion import Completion


class ApplyCompletions:
    """Applies batches of deliveries; one transaction a person."""

    def __init__(
        self,
        store: LearnerStore,
        *,
        budget_seconds: float = 12.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """What has not begun after `budget_seconds` is postponed."""
        self._applying = Applying(store, _count, budget_seconds=budget_seconds, monotonic=monotonic)

    def __call__(self, deliveries: Sequence[Delivery[Completion]]) -> Applied[Completion]:
        """Counts every event that is new, and says what became of each. Idempotent."""
        return self._applying(deliveries)


def _count(
    work: LearnerWork, offered: Mapping[UUID, Completion]
) -> tuple[set[UUID], Mapping[UUID, Completion]]:
    added = work.add(list(offered.values()))
    if added:
        rederive(work, {offered[event_id].local_date for event_id in added})
    return added, work.find(offered.keys() - added)
