"""How much of the time of sessions counts: no day of a person has more than a day's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stats_service.domain.facts import Facts, order_of, starts_of

MOST_SECONDS_A_DAY = 86_400


def within_days(counted: Facts) -> Facts:
    """Returns facts with at most 86,400 seconds a person and day, over all products.

    Completions take from their day in the order of their ends; what is beyond
    counts no time, and is a session all the same.
    """
    if not len(counted):
        return counted
    order = order_of(counted.user, counted.day)
    seconds = counted.seconds[order]
    starts = np.flatnonzero(starts_of(counted.user[order], counted.day[order]))
    until = np.cumsum(seconds)
    lengths = np.diff(np.append(starts, len(order)))
    until -= np.repeat(until[starts] - seconds[starts], lengths)
    if int(until.max()) <= MOST_SECONDS_A_DAY:
        return counted
    left = np.empty_like(counted.seconds)
    left[order] = np.minimum(until, MOST_SECONDS_A_DAY) - np.minimum(until - seconds, MOST_SECONDS_A_DAY)
    return replace(counted, seconds=left)
