"""Made-up histories, many a second: each from a seed, with a family that says what it is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.protection import Entry
from tests.stats_service.oracle.draft import PRODUCTS, Dice, Draft
from tests.stats_service.oracle.families import family_of
from tests.stats_service.oracle.ingredients import PLACES
from tests.stats_service.oracle.wall_clock import WallCalendar, date_of, moved_wall

_ONE_DAY = timedelta(days=1)
_NUDGE = timedelta(microseconds=1)
_HABITS = (0, 5, 60, 400, 720, 1380, 1435)


@dataclass(frozen=True, slots=True)
class History:
    """The facts of a learner, in the order and as often as they arrived, and the date asked for."""

    family: str
    home: str
    facts: list[Completion]
    changes: list[CalendarChange]
    entries: list[Entry]
    sign_up_time: datetime | None
    on: date
    product: str

    def without(self, items: list[object]) -> History:
        """Returns the history with only the others of its facts, changes and entries."""
        gone = {id(item) for item in items}
        return replace(
            self,
            facts=[fact for fact in self.facts if id(fact) not in gone],
            changes=[change for change in self.changes if id(change) not in gone],
            entries=[entry for entry in self.entries if id(entry) not in gone],
        )


def history(seed: int) -> History:
    """Returns the history of a seed. Seeds that follow each other live in all the zones in turn."""
    dice = Dice(f"history {seed}")
    family = family_of(dice)
    draft = family.draft(dice, PLACES[seed % len(PLACES)])
    draft.turns.sort()
    home = draft.calendar.zone
    changes = _changes(draft)
    facts = _completions(draft)
    on = _asked(draft, facts)
    items: list[list[object]] = [facts, changes, draft.entries]  # type: ignore[list-item]
    for kind in items:
        if kind and dice.chance(0.2):
            kind.extend([dice.pick(kind) for _ in range(dice.between(1, 3))])
        if dice.chance(0.5):
            dice.shuffle(kind)
    product = dice.pick(PRODUCTS)
    return History(family.name, home, facts, changes, draft.entries, draft.sign_up_time, on, product)


def _changes(draft: Draft) -> list[CalendarChange]:
    dice = draft.dice
    first = [(-dice.below(5000), draft.calendar)] if dice.chance(0.4) else []
    return [
        CalendarChange(
            event_id=draft.new_id(),
            user_id=1,
            user_seq=number,
            effective_time=draft.start + timedelta(minutes=minute),
            time_zone=calendar.zone,
            rollover_hour=calendar.rollover,
        )
        for number, (minute, calendar) in enumerate([*first, *draft.turns])
        if not dice.chance(draft.unnamed_changes)
    ]


def _completions(draft: Draft) -> list[Completion]:
    dice = draft.dice
    few = PRODUCTS if dice.chance(0.5) else (dice.pick(PRODUCTS),)
    habit = dice.pick(_HABITS)
    spread = dice.pick((20, 1440))
    facts = []
    for day in range(draft.days):
        if dice.chance(draft.practised):
            minute = day * 1440 + (habit + dice.below(spread)) % 1440
            facts.append(_completion(draft, minute, dice.pick(few)))
            while dice.chance(0.12):
                facts.append(_completion(draft, day * 1440 + dice.below(1440), dice.pick(few)))
    for minute, _ in draft.turns:
        if dice.chance(0.25):
            facts.append(_completion(draft, minute, dice.pick(few)))
    return facts


def _completion(draft: Draft, minute: int, product: str) -> Completion:
    dice = draft.dice
    calendar = draft.calendar
    for since, turned in draft.turns:
        # At the instant of a turn either calendar may be told.
        if since < minute or (since == minute and dice.chance(0.5)):
            calendar = turned
    if draft.abroad and dice.chance(0.3):
        calendar = WallCalendar(dice.pick(draft.abroad), calendar.rollover)
    end_time = draft.start + timedelta(minutes=minute)
    if dice.chance(draft.at_the_turn):
        # The instant at which the day began, or the last one of the day before.
        wall = moved_wall(end_time, calendar)
        end_time -= timedelta(hours=wall.hour, minutes=wall.minute)
        if dice.chance(0.5):
            end_time -= _NUDGE
    local_date = date_of(end_time, calendar)
    if draft.misdated and dice.chance(draft.misdated):
        local_date += _ONE_DAY if dice.chance(0.5) else -_ONE_DAY
    return Completion(
        event_id=draft.new_id(),
        user_id=1,
        user_seq=minute,
        session_id=minute,
        product=product,
        outcome="completed",
        counts=not dice.chance(draft.not_counting),
        start_time=end_time,
        end_time=end_time,
        time_zone=calendar.zone,
        rollover_hour=calendar.rollover,
        local_date=local_date,
        elapsed_seconds=60,
        implausible=False,
        answer_count=0,
        correct_answer_count=0,
        content="",
        mode="",
        synced=bool(draft.synced) and dice.chance(draft.synced),
    )


def _asked(draft: Draft, facts: list[Completion]) -> date:
    """Returns a date before, at or after the last day, mostly near to it."""
    dice = draft.dice
    last = max((fact.local_date for fact in facts), default=draft.start.astimezone(UTC).date())
    if dice.chance(0.7):
        return last + timedelta(days=dice.between(-1, 4))
    return last + timedelta(days=dice.between(-draft.days, 45))
