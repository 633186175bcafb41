"""Facts written by hand, with dates of March 2026, whose 1st is a Sunday."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from uuid import UUID

from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.protection import FreezeGranted, PauseCancelled, PlannedPause, Repaired, RestDays
from tests.stats_service.facts import completion
from tests.stats_service.oracle.oracle import Answer

Ask = Callable[..., Answer]
_RECORDED = datetime(2026, 1, 1, tzinfo=UTC)


def march(day: int) -> date:
    return date(2026, 3, day)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def practised(*days: int | date, **changes: object) -> list[Completion]:
    dates = [march(day) if isinstance(day, int) else day for day in days]
    return [completion(local_date=day, **changes) for day in dates]


def change(instant: datetime, zone: str, rollover: int = 0) -> CalendarChange:
    return CalendarChange(
        event_id=UUID(int=1),
        user_id=1,
        user_seq=1,
        effective_time=instant,
        time_zone=zone,
        rollover_hour=rollover,
    )


def freeze(day: int, number: int = 1, product: str = "focus", held_at_most: int = 2) -> FreezeGranted:
    return FreezeGranted(
        entry_id=UUID(int=number),
        recorded_at=_RECORDED,
        product=product,
        day=march(day),
        held_at_most=held_at_most,
    )


def pause(first: date, last: date) -> PlannedPause:
    return PlannedPause(entry_id=UUID(int=100), recorded_at=_RECORDED, first=first, last=last)


def cancelled(from_day: int, pause_id: int = 100) -> PauseCancelled:
    return PauseCancelled(
        entry_id=UUID(int=200 + from_day),
        recorded_at=_RECORDED,
        pause_id=UUID(int=pause_id),
        from_date=march(from_day),
    )


def rest(from_day: int, weekdays: Iterable[int], number: int = 0, recorded: int = 1) -> RestDays:
    return RestDays(
        entry_id=UUID(int=number or 300 + from_day),
        recorded_at=utc(2026, 1, recorded),
        effective_date=march(from_day),
        weekdays=frozenset(weekdays),
    )


def repaired(day: int, product: str = "focus") -> Repaired:
    return Repaired(
        entry_id=UUID(int=400 + day),
        recorded_at=_RECORDED,
        product=product,
        day=march(day),
        actor="support",
        reason="an outage",
    )
