"""What one product, or all of them together, add up to for a person."""

from __future__ import annotations

from dataclasses import dataclass, field

from stats_service.domain.completion import Completion
from stats_service.domain.streaks import DaySet


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over sessions that count. `elapsed_seconds` is whole seconds."""

    session_count: int = 0
    elapsed_seconds: int = 0
    answer_count: int = 0
    correct_answer_count: int = 0

    def plus(self, fact: Completion) -> Tally:
        """Returns the sums with one more session."""
        return Tally(
            self.session_count + 1,
            self.elapsed_seconds + fact.elapsed_seconds,
            self.answer_count + fact.answer_count,
            self.correct_answer_count + fact.correct_answer_count,
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """Totals over all time, and the days they were made on."""

    tally: Tally = field(default_factory=Tally)
    days: DaySet = field(default_factory=DaySet)

    def plus(self, fact: Completion) -> Standing:
        """Returns the standing with one more session."""
        return Standing(self.tally.plus(fact), self.days.with_day(fact.local_date))
