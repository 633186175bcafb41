"""Remembers how people's days run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from stats_service.application.applying import Applied, Applying, Delivery
from stats_service.application.derivation import rederive
from stats_service.application.ports.learners import LearnerStore, LearnerWork
from stats_service.domain.calendar import CalendarChange


class ApplyCalendarChanges:
    """Applies batches of deliveries; one transaction a person.

    Days of the past stay what they were; a turn of the calendar can keep a
    streak over a day that it cut short.
    """

    def __init__(self, store: LearnerStore) -> None:
        self._applying = Applying(store, _remember)

    def __call__(self, deliveries: Sequence[Delivery[CalendarChange]]) -> Applied[CalendarChange]:
        """Keeps every change that is new, and says what became of each. Idempotent."""
        return self._applying(deliveries)


def _remember(
    work: LearnerWork, offered: Mapping[UUID, CalendarChange]
) -> tuple[set[UUID], Mapping[UUID, CalendarChange]]:
    added = work.add_changes(list(offered.values()))
    if added:
        rederive(work, ())
    return added, work.find_changes(offered.keys() - added)
