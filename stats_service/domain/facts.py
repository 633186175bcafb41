"""Completions of any number of learners as columns, so that one function serves one learner and a million.

A row is a completion. Rows stand in canonical order: by learner, end time and
event id, each event once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stats_service.domain.calendar import Calendar, CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.protection import Entry

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_COMBINED = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The columns. All have one length.

    `day` is a proleptic ordinal, as of `date.toordinal`; `end` microseconds
    since 1970 UTC; `seconds` the time that counts; `minute` the minute of the
    wall clock's day, 0 to 1439, at the end. `product` indexes `products`,
    `calendar` indexes `calendars`.
    """

    user: Ints
    seq: Ints
    product: Ints
    day: Ints
    end: Ints
    counts: Bools
    synced: Bools
    seconds: Ints
    answers: Ints
    correct: Ints
    minute: Ints
    calendar: Ints
    outcome: Texts
    mode: Texts
    content: Texts
    products: tuple[str, ...]
    calendars: tuple[Calendar, ...]

    def __len__(self) -> int:
        return len(self.user)

    @classmethod
    def of(cls, completions: Iterable[Completion]) -> Facts:
        """Returns the facts that completions tell, whatever their order and multiplicity."""
        rows = sorted(
            {fact.event_id: fact for fact in completions}.values(),
            key=lambda fact: (fact.user_id, *fact.moment),
        )
        products = tuple(sorted({fact.product for fact in rows}))
        calendars = tuple(dict.fromkeys(map(calendar_of, rows)))
        number_of = {name: number for number, name in enumerate(products)}
        code_of = {calendar: code for code, calendar in enumerate(calendars)}
        return cls(
            user=_ints(fact.user_id for fact in rows),
            seq=_ints(fact.user_seq for fact in rows),
            product=_ints(number_of[fact.product] for fact in rows),
            day=_ints(fact.local_date.toordinal() for fact in rows),
            end=_ints(microseconds(fact.end_time) for fact in rows),
            counts=np.fromiter((fact.counts for fact in rows), np.bool_),
            synced=np.fromiter((fact.synced for fact in rows), np.bool_),
            seconds=_ints(fact.practised_seconds for fact in rows),
            answers=_ints(fact.answer_count for fact in rows),
            correct=_ints(fact.correct_answer_count for fact in rows),
            minute=_ints(fact.local_minute for fact in rows),
            calendar=_ints(code_of[calendar_of(fact)] for fact in rows),
            outcome=_texts(fact.outcome for fact in rows),
            mode=_texts(fact.mode for fact in rows),
            content=_texts(fact.content for fact in rows),
            products=products,
            calendars=calendars,
        )

    def where(self, rows: Any) -> Facts:
        """Returns some of the rows: a mask, or a slice."""
        columns = {
            name: getattr(self, name)[rows]
            for name in self.__slots__
            if name not in ("products", "calendars")
        }
        return Facts(**columns, products=self.products, calendars=self.calendars)

    @property
    def learners(self) -> Sequence[tuple[int, slice]]:
        """The learners there are, with the rows of each."""
        starts = np.flatnonzero(starts_of(self.user))
        stops = np.append(starts[1:], len(self))[: len(starts)]
        return [
            (user, slice(start, stop))
            for user, start, stop in zip(
                self.user[starts].tolist(), starts.tolist(), stops.tolist(), strict=True
            )
        ]


def calendar_of(fact: Completion) -> Calendar:
    """Returns the calendar that a completion tells."""
    return Calendar(fact.time_zone, fact.rollover_hour)


def microseconds(instant: datetime) -> int:
    """Returns an aware instant as microseconds since 1970 UTC."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(end: int) -> datetime:
    """Returns the instant that `microseconds` told."""
    return _EPOCH + end * _MICROSECOND


def starts_of(*keys: Ints) -> Bools:
    """Tells for each row of sorted columns whether it begins a group of equal keys."""
    begins = np.ones(len(keys[0]), np.bool_)
    if len(begins) > 1:
        begins[1:] = False
        for key in keys:
            begins[1:] |= key[1:] != key[:-1]
    return begins


def distinct(column: Ints) -> Ints:
    """Returns the values of a sorted column, each once."""
    return column[starts_of(column)] if len(column) else column


def order_of(*keys: Ints) -> Ints:
    """Returns the order of rows by columns, by the first first; equal rows stay in theirs.

    As lexsort tells it, by one sort of one number, which takes a fraction of
    the time.
    """
    if not len(keys[0]):
        return np.zeros(0, np.int64)
    combined = np.zeros(len(keys[0]), np.int64)
    most = 1
    for key in keys:
        least = int(key.min())
        span = int(key.max()) - least + 1
        most *= span
        if most > _MOST_COMBINED:
            return np.lexsort(keys[::-1])
        combined = combined * span + (key - least)
    return np.argsort(combined, kind="stable")


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)


def _texts(values: Iterable[str]) -> Texts:
    return np.array(list(values), np.object_)


@dataclass(frozen=True, slots=True)
class LearnerFacts:
    """The facts about a learner other than completions. `changes` are in order, by instant and id."""

    changes: Sequence[CalendarChange] = ()
    entries: Sequence[Entry] = ()

    @property
    def sign_up_time(self) -> datetime | None:
        """When the learner signed up, if any change tells it; the earliest that one does."""
        return min((each.sign_up_time for each in self.changes if each.sign_up_time), default=None)
