"""A learner's practice as of an instant: what was told and recorded by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Literal

from stats_service.domain.calendar import Calendar, Timeline
from stats_service.domain.protection import Entry, ProductDay, StreakProtection, in_record_order
from stats_service.domain.streaks import streak_days


@dataclass(frozen=True)
class PracticeAsOf:
    """What is known of a learner's practice of a product.

    `days` have practice that counts, in order; `synced` are the days of what
    was synced of it; `unanswered` are days of sessions that count for nothing
    because nothing was answered.
    """

    product: str
    days: Sequence[date] = ()
    timeline: Timeline = ()
    entries: Sequence[Entry] = ()
    sign_up_time: datetime | None = None
    synced: Sequence[ProductDay] = ()
    unanswered: Sequence[date] = ()

    @cached_property
    def recorded(self) -> Sequence[Entry]:
        """The entries as they were recorded, each once."""
        return in_record_order(self.entries)

    @cached_property
    def protection(self) -> StreakProtection:
        """What keeps the learner's streaks."""
        return StreakProtection.of(self.timeline, self.recorded, self.sign_up_time, self.synced)

    @cached_property
    def practised(self) -> Sequence[date]:
        """The days that are practice of a streak."""
        return streak_days(self.days, self.protection, self.product)

    @cached_property
    def left_out(self) -> Sequence[date]:
        """The days with practice that counts, and is from before the sign-up and in no streak."""
        return sorted(set(self.days).difference(self.practised))

    @cached_property
    def idle(self) -> Sequence[date]:
        """The days on which sessions ended and nothing was practised."""
        return sorted(set(self.unanswered).difference(self.days))

    def until(self, day: date) -> PracticeAsOf:
        """Returns what is known of the practice up to a day."""
        return replace(
            self,
            days=[each for each in self.days if each <= day],
            unanswered=[each for each in self.unanswered if each <= day],
        )

    @property
    def calendar(self) -> Calendar:
        """The calendar in force last."""
        return self.timeline[-1][1] if self.timeline else Calendar()

    def calendars_between(self, first: date, last: date) -> Timeline:
        """Returns the calendar in force on `first` and those that followed until `last`, with instants."""
        upto = [told for told in self.timeline if told[1].day_of(told[0]) <= last]
        begun = [place for place, (instant, each) in enumerate(upto) if each.day_of(instant) <= first]
        return upto[begun[-1] if begun else 0 :] or self.timeline[:1]


LeftOut = Literal["abandoned", "outcome", "unanswered"]
# How a completed session ended that does not count, in words.
UNANSWERED = "completed without an answer"


@dataclass(frozen=True, slots=True)
class SessionAsOf:
    """What was told of a session, and when it was received. Instants are UTC."""

    session_id: int
    product: str
    outcome: str
    counts: bool
    start_time: datetime
    end_time: datetime
    time_zone: str
    rollover_hour: int
    local_date: date
    elapsed_seconds: int
    implausible: bool
    synced: bool
    received_at: datetime


def left_out(outcome: str) -> LeftOut:
    """Returns why a session that ended like this, and does not count, is in no total.

    A completed one counts in every product, unless nothing was answered in it.
    """
    if outcome == "completed":
        return "unanswered"
    return "abandoned" if outcome == "abandoned" else "outcome"


def ending(outcome: str) -> str:
    """Returns how a session ended that does not count, in words."""
    return UNANSWERED if outcome == "completed" else outcome
