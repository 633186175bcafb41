"""Pauses as a person sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from stats_service.domain.keeping import Entry, pauses_with_ends


@dataclass(frozen=True, slots=True)
class Pause:
    """A planned pause; `end` is the last day that is one, before `first` when it was called off."""

    pause_id: UUID
    first: date
    last: date
    end: date
    recorded_at: datetime


def pauses_of(entries: Sequence[Entry]) -> Sequence[Pause]:
    """Returns every pause ever planned, in the order of its recording."""
    return [
        Pause(each.entry_id, each.first, each.last, end, each.recorded_at)
        for each, end in pauses_with_ends(entries)
    ]
