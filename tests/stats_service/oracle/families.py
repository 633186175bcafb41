"""The families of made-up histories: where their days lie and what happens on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate

from tests.stats_service.oracle import ingredients as do
from tests.stats_service.oracle.draft import Dice, Draft
from tests.stats_service.oracle.wall_clock import WallCalendar, midnight_of, offset

_FIRST = date(1990, 1, 1)
_LAST = date(2037, 10, 1)
_ONE_DAY = timedelta(days=1)
_DAYS = (_LAST - _FIRST).days
# The places whose clocks were put forward by a whole day, and the first UTC day after it.
_SKIPS = (
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Fakaofo", date(2011, 12, 30)),
    ("Pacific/Kwajalein", date(1993, 8, 21)),
    ("Kwajalein", date(1993, 8, 21)),
    ("Pacific/Kiritimati", date(1994, 12, 31)),
    ("Pacific/Kanton", date(1994, 12, 31)),
    ("Pacific/Enderbury", date(1994, 12, 31)),
)

Window = tuple[str, date, int]


@cache
def _clock_changes(zone: str) -> tuple[date, ...]:
    """Returns UTC days on which a zone's offset changed, but for changes that were soon undone."""
    found = []
    first, last, step = _FIRST.toordinal(), _LAST.toordinal(), 20
    for ordinal in range(first, last, step):
        days = [date.fromordinal(ordinal + number) for number in (0, step)]
        if _offset(zone, days[0]) != _offset(zone, days[1]):
            while _offset(zone, days[0]) != _offset(zone, days[1]):
                days[1] -= _ONE_DAY
            found.append(days[1])
    return tuple(found)


def _offset(zone: str, day: date) -> int:
    return offset(zone, midnight_of(day))


def _anywhen(dice: Dice, home: str) -> Window:
    return home, _FIRST + timedelta(days=dice.below(_DAYS)), dice.between(4, 32)


def _around_a_clock_change(dice: Dice, home: str) -> Window:
    changes = _clock_changes(home)
    if not changes:
        return _anywhen(dice, home)
    return home, dice.pick(changes) - timedelta(days=dice.below(7)), dice.between(5, 14)


def _around_a_skipped_day(dice: Dice, home: str) -> Window:
    place, day = dice.pick(_SKIPS)
    return place, day - timedelta(days=dice.below(12)), dice.between(5, 24)


def _around_the_end_of_a_year(dice: Dice, home: str) -> Window:
    return home, date(dice.between(1990, 2036), 12, dice.between(10, 31)), dice.between(10, 40)


def _over_months(dice: Dice, home: str) -> Window:
    return home, _FIRST + timedelta(days=dice.below(_DAYS - 200)), dice.between(50, 200)


@dataclass(frozen=True, slots=True)
class Family:
    """Histories about one thing; other things happen in them too, with probability `mixed` each."""

    name: str
    weight: int
    window: Callable[[Dice, str], Window]
    ingredients: tuple[Callable[[Draft], None], ...]
    practised: tuple[float, ...] = (0.6, 0.8, 0.9, 0.97)
    at_the_turn: float = 0.04
    mixed: float = 0.06

    def draft(self, dice: Dice, home: str) -> Draft:
        """Returns a history to be of this family, of a learner who lives at `home` if its window allows."""
        home, day, days = self.window(dice, home)
        rollover = 0 if dice.chance(0.7) else dice.pick((1, 3, 4, 6, 12, 18, 23))
        midnight = datetime(day.year, day.month, day.day, rollover, tzinfo=UTC)
        start = midnight - timedelta(minutes=_offset(home, day))
        draft = Draft(dice, WallCalendar(home, rollover), start, days)
        draft.practised = dice.pick(self.practised)
        draft.at_the_turn = self.at_the_turn
        for ingredient in self.ingredients:
            ingredient(draft)
        for ingredient in _OFTEN:
            if dice.chance(self.mixed) and ingredient not in self.ingredients:
                ingredient(draft)
        return draft


_OFTEN = (
    do.travel_over_the_date_line,
    do.wander,
    do.practise_offline_elsewhere,
    do.move_the_rollover,
    do.grant_freezes,
    do.plan_pauses,
    do.take_rest_days,
    do.repair_days,
    do.sign_up_late,
    do.abandon_often,
)
_RARE = (0.02, 0.05, 0.1)

FAMILIES = (
    Family("plain", 4, _anywhen, (), mixed=0.0),
    Family("clock changes", 12, _around_a_clock_change, (), at_the_turn=0.4),
    Family("skipped days", 10, _around_a_skipped_day, (), at_the_turn=0.1),
    Family("over the date line", 12, _anywhen, (do.travel_over_the_date_line,)),
    Family("other zones", 10, _anywhen, (do.wander,)),
    Family("offline elsewhere", 8, _anywhen, (do.practise_offline_elsewhere,)),
    Family("rollover hours", 10, _anywhen, (do.move_the_rollover,)),
    Family("freezes", 12, _anywhen, (do.grant_freezes,)),
    Family("pauses", 8, _anywhen, (do.plan_pauses,)),
    Family("rest days", 8, _anywhen, (do.take_rest_days,)),
    Family("repairs", 6, _anywhen, (do.repair_days,)),
    Family("sign-up", 10, _anywhen, (do.sign_up_late,)),
    Family("sessions that do not count", 4, _anywhen, (do.abandon_often,)),
    Family("year ends", 8, _around_the_end_of_a_year, ()),
    Family("weeks kept", 8, _around_the_end_of_a_year, (do.plan_pauses, do.take_rest_days), _RARE),
    Family("months", 6, _over_months, (do.plan_pauses, do.take_rest_days), _RARE),
    Family("misdated", 3, _anywhen, (do.be_dated_by_another_database,)),
    Family("everything", 10, _anywhen, (), mixed=0.5),
    Family("everything at a clock change", 6, _around_a_clock_change, (), mixed=0.4, at_the_turn=0.2),
    Family("everything at a skipped day", 6, _around_a_skipped_day, (), mixed=0.4),
)
_UP_TO = tuple(accumulate(family.weight for family in FAMILIES))


def family_of(dice: Dice) -> Family:
    """Returns a family, the heavier the likelier."""
    number = dice.below(_UP_TO[-1])
    return next(family for family, up_to in zip(FAMILIES, _UP_TO, strict=True) if number < up_to)
