"""Finds the learners whose changes of calendar may say more than their completions do.

Everybody has a change, the one that told of the sign-up. Most of them say what
every completion of the learner says too, so a shard is derived without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from stats_service.domain.calendar import Calendar
from stats_service.domain.facts import Facts, Ints, instant_of

# Nowhere is it a later date than in UTC plus 14 hours; a day on top is for clocks of long ago.
_TO_EASTERNMOST = timedelta(days=1, hours=14) // timedelta(microseconds=1)
_DAY = timedelta(days=1) // timedelta(microseconds=1)
_DAY_OF_1970 = 719_163
# Earlier than any other instant.
NO_SIGN_UP = np.iinfo(np.int64).min // 2


@dataclass(frozen=True, slots=True)
class ChangeColumns:
    """Changes of calendar by learner.

    `sign_up` is in microseconds since 1970 UTC, NO_SIGN_UP where none is told;
    `calendar` indexes `calendars`.
    """

    user: Ints
    calendar: Ints
    sign_up: Ints
    calendars: tuple[Calendar, ...]


def screen_calendar_changes(facts: Facts, changes: ChangeColumns) -> Ints:
    """Returns the learners with completions whose changes may matter: all for whom they do, perhaps more."""
    rows = np.searchsorted(facts.user, changes.user)
    known = np.zeros(len(rows), np.bool_)
    inside = rows < len(facts)
    known[inside] = facts.user[rows[inside]] == changes.user[inside]
    user, rows = changes.user[known], rows[known]
    places = np.array([_place(calendar, facts.calendars) for calendar in changes.calendars], np.int64)
    calendar, sign_up = changes.calendar[known], changes.sign_up[known]
    matters = places[calendar] != facts.calendar[rows]
    first_days = _first_days(facts, user)
    latest = (sign_up + _TO_EASTERNMOST) // _DAY + _DAY_OF_1970
    # The clock of each is looked at only where that may matter: many practise on the day of their sign-up.
    for row in np.flatnonzero(~matters & (first_days < latest)).tolist():
        signed_up_on = changes.calendars[calendar[row]].day_of(instant_of(int(sign_up[row])))
        matters[row] = first_days[row] < signed_up_on.toordinal()
    return np.unique(user[matters])


def _place(calendar: Calendar, calendars: tuple[Calendar, ...]) -> int:
    return calendars.index(calendar) if calendar in calendars else -1


def _first_days(facts: Facts, user: Ints) -> Ints:
    """Returns the first day that each of these learners, who all have completions, has one on."""
    if not len(facts):
        return np.zeros(0, np.int64)
    learners, starts = np.unique(facts.user, return_index=True)
    firsts = np.minimum.reduceat(facts.day, starts)
    return np.asarray(firsts[np.searchsorted(learners, user)])
