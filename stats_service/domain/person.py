"""What is known of a person beside completions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stats_service.domain.calendar import CalendarChange
from stats_service.domain.keeping import Entry


@dataclass(frozen=True, slots=True)
class Person:
    """The facts about a person other than completions. `changes` are in order, by instant and id."""

    changes: Sequence[CalendarChange] = ()
    entries: Sequence[Entry] = ()

    @property
    def sign_up_time(self) -> datetime | None:
        """When the person signed up, if any change tells it; the earliest that one does."""
        return min((each.sign_up_time for each in self.changes if each.sign_up_time), default=None)
