"""Everything derived from a person's facts, by one function.

`fold(progress, facts, book)` reads facts in canonical order (end time, then
event id) onto what earlier facts made, and `derive(facts, book)` is the same
from nothing. The live update and a rebuild both call these, so they agree to
the byte:

    derive(facts) == derive(shuffled and repeated facts)
    derive(facts) == fold(derive(earlier facts), later facts)

The result is a function of the facts and of the badge book; no clock, zone
database or earlier result enters. Whatever else should follow from facts
belongs into the step below, and what depends on the day it is asked for (the
current streak) is computed from `Progress` when it is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from stats_service.domain.badges import Award, BadgeBook, Ladder
from stats_service.domain.calendar import Calendar
from stats_service.domain.completion import ALL_PRODUCTS, Completion, Moment
from stats_service.domain.standing import Standing, Tally

DayKey = tuple[str, date]


@dataclass(slots=True)
class Progress:
    """What a person's facts add up to.

    `days` is keyed by product and day, `standings` by product; both hold
    ALL_PRODUCTS beside the products. `awards` is keyed by badge. `latest` is
    the moment of the last fact, counted or not, and `calendar` the one it
    carried.
    """

    days: dict[DayKey, Tally] = field(default_factory=dict)
    standings: dict[str, Standing] = field(default_factory=dict)
    awards: dict[str, Award] = field(default_factory=dict)
    calendar: Calendar = field(default_factory=Calendar)
    latest: Moment | None = None


def derive(facts: Iterable[Completion], book: BadgeBook) -> Progress:
    """Returns what all of a person's facts add up to, whatever their order and multiplicity."""
    return fold(Progress(), facts, book)


def fold(progress: Progress, facts: Iterable[Completion], book: BadgeBook) -> Progress:
    """Returns what `progress` and facts later than all of its own add up to.

    `progress` must have been made with the same book, and may lack the days
    that no new fact falls on. Raises ValueError for a fact that is not later.
    """
    ordered = sorted(set(facts), key=lambda fact: fact.moment)
    if ordered and progress.latest is not None and ordered[0].moment <= progress.latest:
        raise ValueError("facts are folded in canonical order; derive anew instead")
    result = Progress(
        dict(progress.days),
        dict(progress.standings),
        dict(progress.awards),
        progress.calendar,
        progress.latest,
    )
    ladder = Ladder(book, result.standings)
    for fact in ordered:
        result.latest = fact.moment
        result.calendar = Calendar(fact.time_zone, fact.rollover_hour)
        if fact.counts:
            for product in (fact.product, ALL_PRODUCTS):
                _count(result, product, fact, ladder)
    return result


def _count(result: Progress, product: str, fact: Completion, ladder: Ladder) -> None:
    day = (product, fact.local_date)
    result.days[day] = result.days.get(day, Tally()).plus(fact)
    standing = result.standings.get(product, Standing()).plus(fact)
    result.standings[product] = standing
    for version in ladder.reached(product, standing, fact):
        held = result.awards.get(version.badge_id)
        if held is None or version.version < held.version:
            result.awards[version.badge_id] = Award(
                version.badge_id, version.version, fact.event_id, fact.session_id, fact.end_time
            )
