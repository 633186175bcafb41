"""What one product, or all of them together, add up to for a learner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over sessions that count. `elapsed_seconds` is whole seconds."""

    session_count: int = 0
    elapsed_seconds: int = 0
    answer_count: int = 0
    correct_answer_count: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Totals over all time, and the days they were made on, as spans with both ends included."""

    tally: Tally = field(default_factory=Tally)
    spans: Sequence[tuple[date, date]] = ()

    @property
    def days(self) -> Sequence[date]:
        """The days with practice, oldest first."""
        return [
            first + _DAY * number for first, last in self.spans for number in range((last - first).days + 1)
        ]
