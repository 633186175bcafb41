"""Histories for property tests: few days and instants, so that they collide.

Each thing is made of a few drawn bytes, one for each of its fields: that is
quick enough for histories long enough to be interesting, and bytes shrink.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

from hypothesis import strategies as st

from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import ALL_PRODUCTS, Completion
from stats_service.domain.facts import LearnerFacts
from stats_service.domain.protection import (
    Entry,
    FreezeGranted,
    PauseCancelled,
    PlannedPause,
    Repaired,
    RestDays,
)

T = TypeVar("T")

# A Friday; the clocks of Europe and North America change in the weeks around.
FIRST_DAY = date(2026, 3, 20)
_DAY_COUNT, _HALF_DAY_COUNT = 14, 30
_ZONES = ("UTC", "Asia/Kolkata", "Pacific/Auckland", "Pacific/Pago_Pago", "Moon/Tycho")
_STREAKS = ("focus", "exercises", ALL_PRODUCTS)
_SECONDS = (0, 59, 60, 600, 1_500, 3_600, 40_000, 90_000)
_BYTES = 18


class Bytes:
    """Drawn bytes, taken one by one. The first of every choice is the simplest."""

    def __init__(self, data: bytes) -> None:
        self._rest = iter(data)

    @classmethod
    def of(cls, random: Random) -> Bytes:
        """Returns bytes for one thing."""
        return cls(random.randbytes(_BYTES))

    def below(self, count: int) -> int:
        """Returns a number from 0."""
        return next(self._rest) % count

    def one_of(self, choices: Sequence[T]) -> T:
        """Returns one of some things."""
        return choices[self.below(len(choices))]

    def day(self) -> date:
        """Returns a day."""
        return FIRST_DAY + timedelta(days=self.below(_DAY_COUNT))

    def instant(self) -> datetime:
        """Returns an instant: noon or midnight UTC."""
        return datetime.combine(FIRST_DAY, time(), UTC) + timedelta(hours=12 * self.below(_HALF_DAY_COUNT))

    def calendar(self) -> tuple[str, int]:
        """Returns a zone and the hour at which a day turns."""
        return self.one_of(_ZONES), self.one_of((0, 4, 23))

    def new_id(self, user_id: int = 0) -> UUID:
        """Returns an id that is no other learner's."""
        number = self.below(256) << 16 | self.below(256) << 8 | self.below(256)
        return UUID(int=number << 96 | user_id)


def _made_of_bytes() -> st.SearchStrategy[Bytes]:
    return st.binary(min_size=_BYTES, max_size=_BYTES).map(Bytes)


DAYS = _made_of_bytes().map(Bytes.day)
INSTANTS = _made_of_bytes().map(Bytes.instant)


def completions(user_id: int = 1, calendar: tuple[str, int] | None = None) -> st.SearchStrategy[Completion]:
    """One fact. Its day is drawn apart from its instant: a traveller's may differ by a day or be wrong."""
    return _made_of_bytes().map(lambda data: make_completion(data, user_id, calendar))


def make_completion(data: Bytes, user_id: int, calendar: tuple[str, int] | None) -> Completion:
    """Returns the fact that bytes say."""
    event_id = data.new_id(user_id)
    end_time = data.instant()
    time_zone, rollover_hour = calendar or data.calendar()
    answers = data.below(6)
    number = (event_id.int >> 96) + 1
    return Completion(
        event_id=event_id,
        user_id=user_id,
        user_seq=number,
        session_id=number,
        product=data.one_of(("focus", "exercises")),
        outcome=data.one_of(("completed", "partial")),
        counts=data.one_of((True, True, True, False)),
        start_time=end_time - timedelta(hours=1),
        end_time=end_time,
        time_zone=time_zone,
        rollover_hour=rollover_hour,
        local_date=data.day(),
        elapsed_seconds=data.one_of(_SECONDS),
        implausible=data.one_of((False, True)),
        answer_count=answers,
        correct_answer_count=answers // 2,
        content=data.one_of(("", "activities/1")),
        mode=data.one_of(("", "review")),
        synced=data.one_of((False, True)),
        local_minute=data.below(24) * 60 + 59,
    )


@st.composite
def histories(draw: st.DrawFn, user_id: int = 1, most: int = 24) -> list[Completion]:
    """Facts of one learner with ids of their own, of one calendar or many."""
    calendar = draw(st.sampled_from([("UTC", 0), ("Pacific/Auckland", 4), None]))
    least = draw(st.sampled_from([0, most // 4, most // 2]))
    facts = completions(user_id, calendar)
    return draw(st.lists(facts, min_size=least, max_size=most, unique_by=lambda fact: fact.event_id))


def changes(user_id: int = 1) -> st.SearchStrategy[CalendarChange]:
    """A change of calendar, or the sign-up."""
    return _made_of_bytes().map(lambda data: make_change(data, user_id))


def make_change(data: Bytes, user_id: int) -> CalendarChange:
    """Returns the change of calendar that bytes say."""
    event_id = data.new_id(user_id)
    time_zone, rollover_hour = data.calendar()
    return CalendarChange(
        event_id=event_id,
        user_id=user_id,
        user_seq=(event_id.int >> 96) + 1,
        effective_time=data.instant(),
        time_zone=time_zone,
        rollover_hour=rollover_hour,
        sign_up_time=data.instant() if data.below(3) == 1 else None,
    )


def entries(pauses: Sequence[UUID] = ()) -> st.SearchStrategy[Entry]:
    """Something that keeps streaks; a cancellation is of one of some pauses."""
    return _made_of_bytes().map(lambda data: _entry(data, pauses))


def _entry(data: Bytes, pauses: Sequence[UUID]) -> Entry:
    entry_id, day, recorded_at = data.new_id(), data.day(), data.instant()
    if pauses and data.below(2):
        pause_id = data.one_of(pauses)
        return PauseCancelled(entry_id=entry_id, recorded_at=recorded_at, pause_id=pause_id, from_date=day)
    match data.one_of(("freeze", "freeze", "pause", "rest", "repair")):
        case "freeze":
            return FreezeGranted(
                entry_id=entry_id,
                recorded_at=recorded_at,
                product=data.one_of(_STREAKS),
                day=day,
                held_at_most=data.one_of((2, 1, 3, 0)),
            )
        case "pause":
            last = day + timedelta(days=data.below(4))
            return PlannedPause(entry_id=entry_id, recorded_at=recorded_at, first=day, last=last)
        case "rest":
            weekdays = frozenset(data.below(7) for _ in range(data.below(3)))
            return RestDays(entry_id=entry_id, recorded_at=recorded_at, effective_date=day, weekdays=weekdays)
    return Repaired(
        entry_id=entry_id,
        recorded_at=recorded_at,
        product=data.one_of(_STREAKS),
        day=day,
        actor="ops",
        reason="An outage.",
    )


@st.composite
def persons(draw: st.DrawFn, user_id: int = 1) -> LearnerFacts:
    """The facts of a learner other than completions."""
    told = draw(st.lists(changes(user_id), max_size=2, unique_by=lambda each: each.event_id))
    recorded = draw(st.lists(entries(), max_size=5, unique_by=lambda each: each.entry_id))
    pauses = [each.entry_id for each in recorded if isinstance(each, PlannedPause)]
    if pauses:
        more = draw(st.lists(entries(pauses), max_size=2, unique_by=lambda each: each.entry_id))
        recorded += [each for each in more if each.entry_id not in {one.entry_id for one in recorded}]
    return LearnerFacts(sorted(told, key=lambda each: (each.effective_time, each.event_id)), recorded)
