"""What may happen to a learner, each as a change of the draft of a history."""

from __future__ import annotations

from datetime import timedelta

from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.protection import FreezeGranted, PauseCancelled, PlannedPause, Repaired, RestDays
from tests.stats_service.oracle.draft import Draft
from tests.stats_service.oracle.wall_clock import UNKNOWN_ZONES, WallCalendar, places

PLACES = places()
# Both sides of the date line, 20 to 26 hours apart.
EAST = (
    "Pacific/Kiritimati",
    "Pacific/Tongatapu",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Auckland",
    "Asia/Kamchatka",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
)
WEST = (
    "Etc/GMT+12",
    "Pacific/Niue",
    "Pacific/Pago_Pago",
    "Pacific/Honolulu",
    "Pacific/Marquesas",
    "America/Adak",
    "America/Los_Angeles",
    "America/Caracas",
)


def travel_over_the_date_line(draft: Draft) -> None:
    """Flies one to three times from one side of the date line to the other."""
    dice = draft.dice
    sides = (EAST, WEST) if dice.chance(0.5) else (WEST, EAST)
    draft.calendar = WallCalendar(dice.pick(sides[0]), draft.calendar.rollover)
    minutes = sorted(draft.any_minute() for _ in range(dice.between(1, 3)))
    for number, minute in enumerate(minutes, start=1):
        zone = dice.pick(sides[number % 2])
        draft.turns.append((minute, WallCalendar(zone, draft.calendar.rollover)))


def wander(draft: Draft) -> None:
    """Moves to one to four zones of the world, or to one that is not known here."""
    for _ in range(draft.dice.between(1, 4)):
        zone = draft.dice.pick(PLACES) if draft.dice.chance(0.95) else draft.dice.pick(UNKNOWN_ZONES)
        draft.turns.append((draft.any_minute(), WallCalendar(zone, draft.calendar.rollover)))
    draft.unnamed_changes = draft.dice.pick((0.0, 0.5, 1.0))


def practise_offline_elsewhere(draft: Draft) -> None:
    """Ends some sessions on devices that are in other zones; no change tells of them."""
    draft.abroad = [draft.dice.pick(PLACES) for _ in range(draft.dice.between(1, 3))]


def move_the_rollover(draft: Draft) -> None:
    """Starts with a rollover hour and changes it up to four times, the zone sometimes with it."""
    dice = draft.dice
    draft.calendar = WallCalendar(draft.calendar.zone, dice.below(24))
    draft.at_the_turn = 0.2
    for _ in range(dice.below(5)):
        zone = draft.latest_calendar().zone if dice.chance(0.8) else dice.pick(PLACES)
        hour = dice.pick((0, 3, 4, 12, 23)) if dice.chance(0.5) else dice.below(24)
        draft.turns.append((draft.any_minute(), WallCalendar(zone, hour)))


def grant_freezes(draft: Draft) -> None:
    """Grants one to six freezes in and around the window, often several on a day, some by other limits."""
    dice = draft.dice
    few = [draft.any_product()] if dice.chance(0.6) else ["exercises", ALL_PRODUCTS]
    day = draft.any_day()
    for _ in range(dice.between(1, 6)):
        day = day if dice.chance(0.25) else draft.any_day(6)
        draft.entries.append(
            FreezeGranted(
                entry_id=draft.new_id(),
                recorded_at=draft.recorded_at(),
                product=dice.pick(few),
                day=day,
                held_at_most=dice.pick((2, 2, 2, 1, 3, 0)),
            )
        )


def plan_pauses(draft: Draft) -> None:
    """Plans one to three pauses, which may overlap and be cancelled before, in and after them."""
    dice = draft.dice
    for _ in range(dice.between(1, 3)):
        first = draft.any_day(8)
        length = dice.pick((0, 1, 3, 6, 13, 40))
        pause = PlannedPause(
            entry_id=draft.new_id(),
            recorded_at=draft.recorded_at(),
            first=first,
            last=first + timedelta(days=length),
        )
        draft.entries.append(pause)
        while dice.chance(0.35):
            known = dice.chance(0.9)
            draft.entries.append(
                PauseCancelled(
                    entry_id=draft.new_id(),
                    recorded_at=draft.recorded_at(),
                    pause_id=pause.entry_id if known else draft.new_id(),
                    from_date=first + timedelta(days=dice.between(-2, length + 2)),
                )
            )


def take_rest_days(draft: Draft) -> None:
    """Chooses rest days one to four times, also none and six of them, also twice from one date."""
    dice = draft.dice
    day = draft.any_day(10)
    for _ in range(dice.between(1, 4)):
        day = day if dice.chance(0.3) else draft.any_day(10)
        weekdays = frozenset(dice.below(7) for _ in range(dice.below(7)))
        if dice.chance(0.1):
            weekdays = frozenset(range(7)) - {dice.below(7)}
        draft.entries.append(
            RestDays(
                entry_id=draft.new_id(),
                recorded_at=draft.recorded_at(),
                effective_date=day,
                weekdays=weekdays,
            )
        )


def repair_days(draft: Draft) -> None:
    """Repairs one to eight days, for one streak each."""
    few = [draft.any_product(), draft.any_product()]
    for _ in range(draft.dice.between(1, 8)):
        draft.entries.append(
            Repaired(
                entry_id=draft.new_id(),
                recorded_at=draft.recorded_at(),
                product=draft.dice.pick(few),
                day=draft.any_day(),
                actor="support",
                reason="an outage",
            )
        )


def sign_up_late(draft: Draft) -> None:
    """Makes the account before, at or after the first completions, some of which may come by sync."""
    draft.synced = draft.dice.pick((0.0, 0.0, 0.3, 0.7, 1.0))
    minutes = draft.dice.between(-3 * 1440, draft.days * 720)
    draft.sign_up_time = draft.start + timedelta(minutes=minutes)
    if draft.dice.chance(0.3):
        draft.sign_up_time = draft.sign_up_time.replace(hour=12, minute=0, second=0)


def abandon_often(draft: Draft) -> None:
    """Ends many sessions in ways that do not count."""
    draft.not_counting = 0.5


def be_dated_by_another_database(draft: Draft) -> None:
    """Has some local dates that this machine's zone database does not agree with; they stay."""
    draft.misdated = 0.2
