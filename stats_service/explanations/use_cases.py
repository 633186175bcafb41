"""Explains a streak, a day, a badge and a total by the facts that they follow from; changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from stats_service.application.ports.clock import Clock
from stats_service.domain.badges import BadgeVersion
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.conditions import Condition
from stats_service.domain.derivation import values_at
from stats_service.domain.errors import AccountNotFoundError, BadgeNotFoundError, DateOutOfRangeError
from stats_service.domain.periods import Cadence
from stats_service.domain.standing import Tally
from stats_service.explanations.domain import (
    BreakExplanation,
    ExplainedDay,
    PracticeAsOf,
    SessionAsOf,
    StreakExplanation,
    explain_break,
    explain_streak,
)
from stats_service.explanations.ports import BadgeRecord, DaySessions, ExplanationReader, Total

LONGEST_PAGE = 366
MOST_SESSIONS_A_DAY = 10


@dataclass(frozen=True, slots=True)
class AsOf:
    """A practice as of an instant, and the learner's day then."""

    practice: PracticeAsOf
    instant: datetime
    today: date


class AsOfReader:
    """Reads a practice as of an instant."""

    def __init__(self, reader: ExplanationReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(self, user_id: int, product: str, at: datetime | None, time_zone: str | None) -> AsOf:
        """Returns the practice of a product, of all when empty, at an instant or now.

        The day of now is told by `time_zone` or else by the learner's calendar,
        that of an earlier instant by the calendar in force then.
        """
        now = self._clock()
        practice = await self._reader.practice_as_of(user_id, product or ALL_PRODUCTS, at)
        if at is None and time_zone:
            practice = _with_time_zone(practice, now, time_zone)
        instant = min(at, now) if at else now
        return AsOf(practice, instant, practice.calendar.day_of(instant))


def _with_time_zone(practice: PracticeAsOf, now: datetime, time_zone: str) -> PracticeAsOf:
    """Returns what is known once the change of calendar arrives that a call in this zone makes."""
    calendar = replace(practice.calendar, time_zone=time_zone)
    if calendar == practice.calendar:
        return practice
    return replace(practice, timeline=[*practice.timeline, (now, calendar)])


@dataclass(frozen=True, slots=True)
class StreakExplained:
    """A streak with a page of its days and their sessions; `more` is the day to go on with, if any."""

    explanation: StreakExplanation
    instant: datetime
    days: Sequence[ExplainedDay]
    sessions: Mapping[date, DaySessions]
    more: date | None


class ExplainStreak:
    """Reads facts; changes nothing."""

    def __init__(self, reader: ExplanationReader, read_as_of: AsOfReader) -> None:
        self._reader = reader
        self._read_as_of = read_as_of

    async def __call__(
        self,
        user_id: int,
        product: str,
        cadence: Cadence,
        *,
        on: date | None,
        at: datetime | None,
        first: date | None,
        most: int,
        time_zone: str | None = None,
    ) -> StreakExplained:
        """Explains the streak of a day, today when None, as known at an instant.

        Its days are told from `first` on, at most so many. Raises
        DateOutOfRangeError for a day after today.
        """
        as_of = await self._read_as_of(user_id, product, at, time_zone)
        if on is not None and on > as_of.today:
            raise DateOutOfRangeError("on_date", None, as_of.today)
        told = explain_streak(as_of.practice, cadence, on or as_of.today, as_of.today)
        days = told.days(first or date.min, most + 1)
        page = days[:most]
        sessions: Mapping[date, DaySessions] = {}
        if page:
            sessions = await self._reader.sessions(
                user_id,
                as_of.practice.product,
                page[0].day,
                page[-1].day,
                at,
                most_a_day=MOST_SESSIONS_A_DAY,
            )
        more = days[most].day if len(days) > most else None
        return StreakExplained(told, as_of.instant, page, sessions, more)


_DAY = timedelta(days=1)
# Beyond them there is no day before and no day after.
_EARLIEST, _LATEST = date(1900, 1, 1), date(9000, 1, 1)


@dataclass(frozen=True, slots=True)
class BreakExplained:
    """What a day did to the streak, with the sessions of the days around it."""

    explanation: BreakExplanation
    instant: datetime
    sessions: Mapping[date, DaySessions]


class ExplainBreak:
    """Reads facts; changes nothing."""

    def __init__(self, reader: ExplanationReader, read_as_of: AsOfReader) -> None:
        self._reader = reader
        self._read_as_of = read_as_of

    async def __call__(
        self, user_id: int, product: str, day: date, *, at: datetime | None, time_zone: str | None = None
    ) -> BreakExplained:
        """Explains a day, as known at an instant. Raises DateOutOfRangeError for one no calendar is about."""
        if not _EARLIEST <= day <= _LATEST:
            raise DateOutOfRangeError("date", _EARLIEST, _LATEST)
        as_of = await self._read_as_of(user_id, product, at, time_zone)
        told = explain_break(as_of.practice, day, as_of.today)
        sessions = await self._reader.sessions(
            user_id,
            as_of.practice.product,
            day - _DAY,
            day + _DAY,
            at,
            most_a_day=MOST_SESSIONS_A_DAY,
        )
        return BreakExplained(told, as_of.instant, sessions)


@dataclass(frozen=True, slots=True)
class BadgeExplained:
    """A badge, the session that earned it or could have last, and the condition's variables there."""

    record: BadgeRecord
    session: SessionAsOf | None
    values: Mapping[str, int | str]


class ExplainBadge:
    """Reads facts; changes nothing."""

    def __init__(self, reader: ExplanationReader) -> None:
        self._reader = reader

    async def __call__(self, user_id: int, badge_id: str) -> BadgeExplained:
        """Explains why a badge was earned, or was not so far.

        Raises BadgeNotFoundError for one that there is not, and for a draft or
        a hidden one that the learner does not have.
        """
        record = await self._reader.badge(user_id, badge_id)
        if record is None or (record.user_seq is None and not _is_shown(record)):
            raise BadgeNotFoundError(badge_id)
        content = record.content
        version = BadgeVersion(
            badge_id=badge_id,
            version=record.version,
            condition=Condition(content.condition),
            first_day=content.first_day,
            last_day=content.last_day,
        )
        facts, learners = await self._reader.practice(user_id)
        # It computes; the event loop must not.
        found = await asyncio.to_thread(values_at, facts, learners, version, record.user_seq)
        if found is None:
            return BadgeExplained(record, None, {})
        seq, values = found
        session = await self._reader.session(user_id, seq)
        return BadgeExplained(
            record, session, {f"{scope}.{name}": value for (scope, name), value in values.items()}
        )


def _is_shown(record: BadgeRecord) -> bool:
    return record.content.state != "inactive" and not record.content.hidden


@dataclass(frozen=True, slots=True)
class TotalExplained:
    """A total with a page of its days; `more` is the day to go on after, if any."""

    product: str
    total: Total
    instant: datetime
    days: Sequence[tuple[date, Tally]]
    left_out: Sequence[SessionAsOf]
    more: date | None


class ExplainTotal:
    """Reads facts; changes nothing."""

    def __init__(self, reader: ExplanationReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(
        self, user_id: int, product: str, *, at: datetime | None, after: date | None, most: int
    ) -> TotalExplained:
        """Explains the total of a product, of all when empty, as known at an instant.

        Its days are told after `after`, at most so many.
        """
        product, now = product or ALL_PRODUCTS, self._clock()
        total = await self._reader.total(user_id, product, at)
        days = await self._reader.days(user_id, product, after, at, limit=most + 1)
        more = days[most - 1][0] if len(days) > most else None
        left_out = await self._reader.left_out(user_id, product, after, more, at, limit=LONGEST_PAGE)
        return TotalExplained(product, total, min(at, now) if at else now, days[:most], left_out, more)


class FindAccount:
    """Looks for an account; changes nothing. Accounts are another context's: here they are known by facts."""

    def __init__(self, reader: ExplanationReader) -> None:
        self._reader = reader

    async def __call__(self, user_id: int) -> None:
        """Raises AccountNotFoundError for one of whom nothing was ever told or recorded."""
        if not await self._reader.has_facts(user_id):
            raise AccountNotFoundError
