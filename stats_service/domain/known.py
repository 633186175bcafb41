"""What is known of a person's practice, which may be less than there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from itertools import pairwise

from stats_service.domain.calendar import Calendar
from stats_service.domain.keeping import (
    FREEZE,
    PAUSE,
    REPAIR,
    REST,
    TURN,
    Entry,
    FreezeGranted,
    Keeping,
    ProductDay,
    Repaired,
    Timeline,
    days_cut,
    in_record_order,
    pauses_with_ends,
    rest_settings,
)
from stats_service.domain.streaks import streak_days


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of calendar at an instant."""

    instant: datetime
    before: Calendar
    after: Calendar


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a day without practice keeps a streak, with what was recorded or happened, if anything was.

    The entry behind a freeze is its grant.
    """

    reason: str
    entry: Entry | None = None
    turn: Turn | None = None


@dataclass(frozen=True)
class Known:
    """What is known of a person's practice of a product.

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
    def keeping(self) -> Keeping:
        """What keeps the person's streaks."""
        return Keeping.of(self.timeline, self.recorded, self.sign_up_time, self.synced)

    @cached_property
    def practised(self) -> Sequence[date]:
        """The days that are practice of a streak."""
        return streak_days(self.days, self.keeping, self.product)

    @cached_property
    def left_out(self) -> Sequence[date]:
        """The days with practice that counts, and is from before the sign-up and in no streak."""
        return sorted(set(self.days).difference(self.practised))

    @cached_property
    def idle(self) -> Sequence[date]:
        """The days on which sessions ended and nothing was practised."""
        return sorted(set(self.unanswered).difference(self.days))

    def until(self, day: date) -> Known:
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

    def cause(self, day: date, reason: str, frozen: Sequence[date]) -> Cause:
        """Returns what is behind a day that is kept for a reason; `frozen` are all that used a freeze."""
        if reason == TURN:
            return Cause(reason, turn=self._turn_over(day))
        return Cause(reason, self._entry_behind(day, reason, frozen))

    def _turn_over(self, day: date) -> Turn:
        turns = (
            Turn(instant, before, after)
            for (_, before), (instant, after) in pairwise(self.timeline)
            if before != after
        )
        return next(turn for turn in turns if day in days_cut(turn.instant, turn.before, turn.after))

    def _entry_behind(self, day: date, reason: str, frozen: Sequence[date]) -> Entry | None:
        if reason == REST:
            return next(each for each in rest_settings(self.recorded) if each.effective_date <= day)
        if reason == PAUSE:
            pauses = pauses_with_ends(self.recorded)
            return next(pause for pause, end in pauses if pause.first <= day <= end)
        if reason == REPAIR:
            repairs = (each for each in self.recorded if isinstance(each, Repaired))
            return next(each for each in repairs if (each.product, each.day) == (self.product, day))
        return self.grants_used(frozen)[day] if reason == FREEZE else None

    def grants_used(self, frozen: Sequence[date]) -> Mapping[date, FreezeGranted]:
        """Returns the grant that each frozen day used: of those held, the one that was granted first."""
        left = list(self.keeping.grants.get(self.product, ()))
        held: list[FreezeGranted] = []
        used = {}
        for day in frozen:
            while left and left[0].day <= day:
                granted = left.pop(0)
                held = [*held, granted][: granted.added_to(len(held))]
            used[day] = held.pop(0)
        return used
