"""A person's own days, as calls ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from service_kit.errors import InvalidArgumentError
from stats_service.application.ports.reading import Learner
from stats_service.application.ports.surroundings import Clock
from stats_service.application.waiting import Waiting
from stats_service.domain.calendar import Calendar
from stats_service.domain.keeping import days_cut


@dataclass(frozen=True, slots=True)
class Now:
    """A person's own day, and whether the completion that was waited for is still not counted.

    `applied_through` is how far their events are counted.
    `cut` are the days that the zone of the call cuts short, for as long as the
    change of calendar that it makes has not arrived.
    """

    today: date
    pending: bool
    cut: Sequence[date]
    applied_through: int


class Today:
    """Tells which day it is for a person, once what they wait for is counted."""

    def __init__(self, waiting: Waiting, clock: Clock) -> None:
        self._waiting = waiting
        self._clock = clock

    async def __call__(self, user_id: int, min_user_seq: int, time_zone: str | None) -> Now:
        """Returns the day in `time_zone`, or else in the person's last known one."""
        learner, pending = await self._waiting.until_counted(user_id, min_user_seq)
        now = self._clock()
        cut = _days_cut_by(learner, now, time_zone)
        return Now(day_of(learner, now, time_zone), pending, cut, learner.applied_through)


def day_of(learner: Learner, instant: datetime, time_zone: str | None) -> date:
    """Returns the day of an instant in `time_zone`, or else in the person's last known one."""
    return _calendar(learner, time_zone).day_of(instant)


def _days_cut_by(learner: Learner, instant: datetime, time_zone: str | None) -> Sequence[date]:
    return days_cut(instant, learner.calendar, _calendar(learner, time_zone))


def _calendar(learner: Learner, time_zone: str | None) -> Calendar:
    return replace(learner.calendar, time_zone=time_zone or learner.calendar.time_zone)


def too_long(message: str) -> InvalidArgumentError:
    """Returns the error for a span that ends too early or too late."""
    return InvalidArgumentError(message, reason="FIELD_INVALID", field="to_date")
