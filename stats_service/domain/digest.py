"""A number that tells whether progress is the same, for any number of learners at once.

The sum, over all rows of a learner's progress, of 64 well-mixed bits of each.
It names no order, so whoever reads rows need not sort them; two different
states of progress have the same digest by chance only, one in 2 to the 64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.derived import EVERYTHING, Derived, Sums
from stats_service.domain.facts import Ints, distinct

_Bits = NDArray[np.uint64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@dataclass(frozen=True, slots=True)
class RowSet:
    """Rows of one kind, as columns; `user` is in order. Texts are `text_codes`."""

    user: Ints
    columns: Sequence[Ints]


def digests(kinds: Sequence[RowSet]) -> tuple[Ints, Ints]:
    """Returns learners who have rows of some kind, in order, and the digest of each.

    The kinds are those of `kinds_of`, in that order. Nobody's progress, which
    is no rows at all, has the digest 0.
    """
    learners = np.unique(np.concatenate([distinct(kind.user) for kind in kinds]))
    total = np.zeros(len(learners), np.uint64)
    for number, kind in enumerate(kinds, start=1):
        sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(_mixed(number, kind), dtype=np.uint64)))
        starts = np.searchsorted(kind.user, learners)
        stops = np.searchsorted(kind.user, learners, side="right")
        # Unsigned: differences of sums that ran over are right all the same.
        total += sums[stops] - sums[starts]
    return learners, total.view(np.int64)


def kinds_of(derived: Derived) -> Sequence[RowSet]:
    """Returns days, standings, runs, days with a freeze, and awards."""
    products = text_codes((*derived.products, ALL_PRODUCTS))
    # The last one is that of all products, whose number is -1.
    assert EVERYTHING == -1
    days, standings, runs, awards = derived.days, derived.standings, derived.runs, derived.awards
    badges = text_codes(awards.badge_ids)
    return (
        RowSet(days.user, (products[days.product], days.day, *_sums(days.sums))),
        RowSet(standings.user, (products[standings.product], *_sums(standings.sums))),
        RowSet(runs.user, (products[runs.product], runs.first, runs.last)),
        _frozen(derived),
        RowSet(awards.user, (badges[awards.badge], awards.version, awards.seq)),
    )


def text_codes(texts: Iterable[str]) -> Ints:
    """Returns a number for each text."""
    return np.array([_text_code(text) for text in texts], np.int64)


def digest_of(user: int, learners: Ints, found: Ints) -> int:
    """Returns a learner's among the digests of some."""
    place = int(np.searchsorted(learners, user))
    return int(found[place]) if place < len(learners) and learners[place] == user else 0


@lru_cache(maxsize=4_096)
def _text_code(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def _frozen(derived: Derived) -> RowSet:
    used = sorted(
        (user, _text_code(product), day.toordinal())
        for (user, product), days in derived.frozen.items()
        for day in days
    )
    columns = np.array(used, np.int64).reshape(-1, 3).T
    return RowSet(columns[0], (columns[1], columns[2]))


def _sums(sums: Sums) -> tuple[Ints, ...]:
    return (sums.sessions, sums.seconds, sums.answers, sums.correct)


def _mixed(number: int, kind: RowSet) -> _Bits:
    bits: Any = np.full(len(kind.user), number, np.uint64)
    for column in kind.columns:
        bits = (bits ^ np.asarray(column, np.int64).view(np.uint64)) * _MULTIPLIER
        bits ^= bits >> _HALF
    return np.asarray(bits * _MULTIPLIER, np.uint64)
