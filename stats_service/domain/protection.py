"""What a learner has said and done that protects a streak over days without practice.

The facts of docs/streaks.md other than completions and changes of calendar.
All of them are kept for ever; what they mean for a day is asked of `StreakProtection`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from stats_service.domain.calendar import Calendar, Timeline
from stats_service.domain.completion import ALL_PRODUCTS

# The freezes that can be held where nothing else was set.
DEFAULT_FREEZE_LIMIT = 2
# And those that an account can buy in 30 days.
DEFAULT_FREEZE_PURCHASES = 2

_DAY = timedelta(days=1)


class KeepReason(StrEnum):
    """Why a day without practice keeps a streak."""

    REST = "rest"
    PAUSE = "pause"
    # A change of time zone or rollover hour cut the day short.
    CALENDAR_CHANGE = "calendar_change"
    # The time zone has no such day.
    SKIPPED = "skipped"
    REPAIR = "repair"
    FREEZE = "freeze"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestDays:
    """From `effective_date` on, these weekdays (0 Monday to 6 Sunday, at most 6) are rest days."""

    entry_id: UUID
    recorded_at: datetime
    effective_date: date
    weekdays: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPause:
    """The days `first` to `last`, both included, are a pause."""

    entry_id: UUID
    recorded_at: datetime
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseCancelled:
    """The pause recorded as `pause_id` ends the day before `from_date`."""

    entry_id: UUID
    recorded_at: datetime
    pause_id: UUID
    from_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeGranted:
    """One freeze for the streak of `product`, held from `day` on.

    `source` is `granted`, by an operator for a reason, or `bought`.
    `held_at_most` is the limit that was in force when it was recorded: a
    later setting does not change what the grant was.
    """

    entry_id: UUID
    recorded_at: datetime
    product: str
    day: date
    source: str = "granted"
    actor: str = ""
    reason: str = ""
    held_at_most: int = DEFAULT_FREEZE_LIMIT

    def added_to(self, held: int) -> int:
        """Returns how many are held with this one; what comes on top of its limit is lost."""
        return min(held + 1, max(held, self.held_at_most))


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """An operator keeps `day` for the streak of `product`."""

    entry_id: UUID
    recorded_at: datetime
    product: str
    day: date
    actor: str
    reason: str


Entry = RestDays | PlannedPause | PauseCancelled | FreezeGranted | Repaired

# A product practised, and a day of it.
ProductDay = tuple[str, date]


@dataclass(frozen=True, slots=True)
class CalendarTransition:
    """From an instant on, days run by another calendar than before."""

    instant: datetime
    before: Calendar
    after: Calendar

    def days_cut(self) -> Sequence[date]:
        """Returns the days that it cuts short: those over which the clock is put forward."""
        before, after = self.before.wall(self.instant), self.after.wall(self.instant)
        if after <= before:
            return ()
        return [before.date() + _DAY * number for number in range((after.date() - before.date()).days + 1)]


@dataclass(frozen=True, slots=True)
class ProtectedPeriod:
    """A period without practice that keeps a streak, and why. A day's period is the day.

    `entry` is what was recorded that keeps a day, the grant where it is a
    freeze; `transition` is the change of calendar that cut it short.
    """

    period: date
    reason: KeepReason
    entry: Entry | None = None
    transition: CalendarTransition | None = None


@dataclass(frozen=True, slots=True)
class StreakProtection:
    """Which days keep a learner's streaks without practice; a function of their facts.

    `rest` is the latest first. `pauses` have the last day that is one. `cut`
    are the days that a change of calendar cut short. `calendars` are those in force from a day on,
    in order, empty unless one of them skips days. `grants` are by product, in
    order. Days before `first_day`, the one of the sign-up, are no practice for
    a streak unless they are among the product's `early` ones: those of synced
    sessions.
    """

    rest: Sequence[RestDays] = ()
    pauses: Sequence[tuple[PlannedPause, date]] = ()
    cut: Mapping[date, CalendarTransition] = field(default_factory=dict)
    calendars: Sequence[tuple[date, Calendar]] = ()
    repairs: Mapping[ProductDay, Repaired] = field(default_factory=dict)
    grants: Mapping[str, Sequence[FreezeGranted]] = field(default_factory=dict)
    first_day: date | None = None
    early: Mapping[str, frozenset[date]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        timeline: Timeline = (),
        entries: Iterable[Entry] = (),
        sign_up_time: datetime | None = None,
        synced: Iterable[ProductDay] = (),
    ) -> StreakProtection:
        """Returns what a timeline in order, and entries in whatever order and multiplicity, mean.

        `synced` are days of synced sessions that count; only those before the
        sign-up are looked at.
        """
        recorded = in_record_order(entries)
        first_day = first_practice(sign_up_time, {calendar for _, calendar in timeline})
        return cls(
            rest=rest_settings(recorded),
            pauses=pauses_with_ends(recorded),
            cut=_cut(timeline),
            calendars=_calendars(timeline),
            repairs=_repairs(recorded),
            grants=_grants(recorded),
            first_day=first_day,
            early=_early(first_day, synced),
        )

    def keep(self, product: str, day: date) -> ProtectedPeriod | None:
        """Returns why a day without practice keeps the streak of a product, None when it does not."""
        rest = next((each for each in self.rest if each.effective_date <= day), None)
        if rest is not None and day.weekday() in rest.weekdays:
            return ProtectedPeriod(day, KeepReason.REST, rest)
        pause = next((each for each, end in self.pauses if each.first <= day <= end), None)
        if pause is not None:
            return ProtectedPeriod(day, KeepReason.PAUSE, pause)
        if day in self.cut:
            return ProtectedPeriod(day, KeepReason.CALENDAR_CHANGE, transition=self.cut[day])
        if self.calendars and self._calendar(day).skips(day):
            return ProtectedPeriod(day, KeepReason.SKIPPED)
        repair = self.repairs.get((product, day))
        return ProtectedPeriod(day, KeepReason.REPAIR, repair) if repair is not None else None

    def with_transition(self, transition: CalendarTransition) -> StreakProtection:
        """Returns what keeps the streaks once a change of calendar is in force too."""
        days = transition.days_cut()
        return replace(self, cut={**dict.fromkeys(days, transition), **self.cut}) if days else self

    def _calendar(self, day: date) -> Calendar:
        place = bisect_right(self.calendars, day, key=lambda each: each[0])
        return self.calendars[place - 1][1]


def first_practice(sign_up_time: datetime | None, calendars: Collection[Calendar]) -> date | None:
    """Returns the first day that can be practised: the earliest that the sign-up is on in any calendar.

    The calendars are those that the learner ever had, none for the default one.
    """
    if sign_up_time is None:
        return None
    return min(calendar.day_of(sign_up_time) for calendar in calendars or (Calendar(),))


def _early(first_day: date | None, synced: Iterable[ProductDay]) -> Mapping[str, frozenset[date]]:
    if first_day is None:
        return {}
    days: dict[str, set[date]] = defaultdict(set)
    for product, day in synced:
        if day < first_day:
            days[product].add(day)
            days[ALL_PRODUCTS].add(day)
    return {product: frozenset(early) for product, early in days.items()}


def in_record_order(entries: Iterable[Entry]) -> Sequence[Entry]:
    """Returns entries as they were recorded, each once."""
    return sorted({entry.entry_id: entry for entry in entries}.values(), key=_record_order)


def _record_order(entry: Entry) -> tuple[datetime, UUID]:
    return (entry.recorded_at, entry.entry_id)


def rest_settings(entries: Iterable[Entry]) -> Sequence[RestDays]:
    """Returns the rest days among entries in the order of their recording, the latest in force first."""
    settings = [each for each in entries if isinstance(each, RestDays)]
    # Of one date, the one recorded last comes first.
    return sorted(settings, key=lambda each: each.effective_date)[::-1]


def pauses_with_ends(entries: Sequence[Entry]) -> Sequence[tuple[PlannedPause, date]]:
    """Returns each planned pause with the last day that is one, which is before its first when none is."""
    ends: dict[UUID, date] = {}
    for each in entries:
        if isinstance(each, PauseCancelled):
            end = each.from_date - _DAY
            ends[each.pause_id] = min(ends.get(each.pause_id, end), end)
    pauses = [each for each in entries if isinstance(each, PlannedPause)]
    return [
        (each, max(min(each.last, ends.get(each.entry_id, each.last)), each.first - _DAY)) for each in pauses
    ]


def _grants(entries: Iterable[Entry]) -> Mapping[str, Sequence[FreezeGranted]]:
    grants: dict[str, list[FreezeGranted]] = defaultdict(list)
    for each in entries:
        if isinstance(each, FreezeGranted):
            grants[each.product].append(each)
    # Of one day, in the order of their recording.
    return {product: sorted(granted, key=lambda each: each.day) for product, granted in grants.items()}


def _repairs(entries: Iterable[Entry]) -> Mapping[ProductDay, Repaired]:
    repairs: dict[ProductDay, Repaired] = {}
    for each in entries:
        if isinstance(each, Repaired):
            repairs.setdefault((each.product, each.day), each)
    return repairs


def _cut(timeline: Timeline) -> Mapping[date, CalendarTransition]:
    """Returns the days that changes of calendar cut short, each with the first that does."""
    cut: dict[date, CalendarTransition] = {}
    for (_, before), (instant, after) in pairwise(timeline):
        if before != after:
            transition = CalendarTransition(instant, before, after)
            for day in transition.days_cut():
                cut.setdefault(day, transition)
    return cut


def _calendars(timeline: Timeline) -> Sequence[tuple[date, Calendar]]:
    """Returns the calendars in force, each with its first day, by rule 4 of docs/streaks.md."""
    if not any(calendar.may_skip for _, calendar in timeline):
        return ()
    in_force: list[tuple[date, Calendar]] = []
    for instant, calendar in reversed(timeline):
        day = calendar.day_of(instant)
        # One with a later day than its successor, who flew west, is in force on none.
        if not in_force or day < in_force[-1][0]:
            in_force.append((day, calendar))
    return [(date.min, timeline[0][1]), *reversed(in_force)]
