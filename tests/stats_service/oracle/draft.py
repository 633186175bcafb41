"""A history while it is being made up: a window of days, calendars that follow each other, entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.protection import Entry
from tests.stats_service.oracle.wall_clock import WallCalendar

T = TypeVar("T")

PRODUCTS = ("exercises", "focus", "yoga")
# Ids in an order of their own: who is first among facts of one instant is not who was made first.
_IDS = [UUID(int=Random(number).getrandbits(128), version=4) for number in range(2048)]
_RECORDED = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=number) for number in range(3)]


class Dice:
    """A seeded source of choices, quicker than `Random.randint` and `choice`."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed).random

    def below(self, number: int) -> int:
        """Returns one of 0 to `number` - 1."""
        return int(self.random() * number)

    def between(self, low: int, high: int) -> int:
        """Returns one of `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Tells whether something of this probability happens."""
        return self.random() < probability

    def pick(self, choices: Sequence[T]) -> T:
        """Returns one of the choices."""
        return choices[int(self.random() * len(choices))]

    def shuffle(self, items: list[T]) -> None:
        """Puts the items in any order."""
        for last in range(len(items) - 1, 0, -1):
            other = int(self.random() * (last + 1))
            items[last], items[other] = items[other], items[last]


@dataclass(slots=True)
class Draft:
    """What the ingredients of a family decide before completions are put on the days.

    `start` is about the beginning of the first local day, `turns` are the
    calendars that follow the first one, by minutes after the start.
    """

    dice: Dice
    calendar: WallCalendar
    start: datetime
    days: int
    turns: list[tuple[int, WallCalendar]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    abroad: list[str] = field(default_factory=list)
    sign_up_time: datetime | None = None
    practised: float = 0.8
    at_the_turn: float = 0.04
    not_counting: float = 0.05
    misdated: float = 0.0
    synced: float = 0.0
    unnamed_changes: float = 0.3
    _ids: int = -1

    def new_id(self) -> UUID:
        """Returns an id that nothing else in this history has."""
        if self._ids < 0:
            self._ids = self.dice.below(len(_IDS))
        self._ids += 1
        return _IDS[self._ids % len(_IDS)]

    def recorded_at(self) -> datetime:
        """Returns one of few instants, so that entries tie."""
        return self.dice.pick(_RECORDED)

    def any_day(self, margin: int = 3) -> date:
        """Returns a day of the window, or up to `margin` days outside of it."""
        number = self.dice.between(-margin, self.days + margin)
        return (self.start + timedelta(days=number, hours=12)).date()

    def any_minute(self) -> int:
        """Returns a minute of the window, told from its start."""
        return self.dice.below(self.days * 1440 + 1)

    def any_product(self) -> str:
        """Returns a product's name or, as often as not, the one over all."""
        return ALL_PRODUCTS if self.dice.chance(0.5) else self.dice.pick(PRODUCTS)

    def latest_calendar(self) -> WallCalendar:
        """Returns the calendar that was turned to last."""
        return self.turns[-1][1] if self.turns else self.calendar
