"""Between the messages about streaks and what the use cases speak."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from google.protobuf.struct_pb2 import ListValue
from practice.stats.v1 import streak_pb2 as pb

from service_kit.errors import Fault, FieldsInvalidError
from stats_service.adapters.grpc.converters import to_date, to_timestamp
from stats_service.application.pauses import Pause
from stats_service.application.ports.streaks import FreezeChange, FreezeEvent
from stats_service.domain.keeping import (
    Entry,
    FreezeGranted,
    PauseCancelled,
    PlannedPause,
    Repaired,
    RestDays,
)
from stats_service.domain.streaks import PeriodStreak, Streaks

_EVENTS: Mapping[FreezeEvent, pb.FreezeChange.Kind.ValueType] = {
    "granted": pb.FreezeChange.KIND_GRANTED,
    "bought": pb.FreezeChange.KIND_BOUGHT,
    "used": pb.FreezeChange.KIND_USED,
    "refunded": pb.FreezeChange.KIND_REFUNDED,
}

_WEEKDAYS = range(7)
_NO_WEEKDAYS = "must be numbers from 0 (Monday) to 6 (Sunday), each once and not all seven, such as [5, 6]"


def demanded_date(text: str, field: str) -> date:
    """Returns a day written `YYYY-MM-DD`. Raises FieldsInvalidError for any other text."""
    day = to_date(text, field)
    if day is None:
        raise FieldsInvalidError([Fault(field, "is required", "required")])
    return day


def to_weekdays(given: ListValue) -> frozenset[int]:
    """Returns weekdays, 0 Monday to 6 Sunday. Raises FieldsInvalidError for anything else, or all of them."""
    numbers = [value.number_value for value in given.values if value.HasField("number_value")]
    weekdays = frozenset(map(int, filter(_WEEKDAYS.__contains__, numbers)))
    if len(weekdays) != len(given.values) or len(weekdays) == len(_WEEKDAYS):
        raise FieldsInvalidError([Fault("weekdays", _NO_WEEKDAYS, "weekdays")])
    return weekdays


def from_date(day: date | None) -> str:
    """Returns a day as it is written, an empty text for None."""
    return day.isoformat() if day else ""


def from_streaks(product: str, streaks: Streaks) -> pb.ProductStreaks:
    """Returns a product's streaks."""
    return pb.ProductStreaks(
        product=product,
        day=from_streak(streaks.day),
        week=from_streak(streaks.week),
        month=from_streak(streaks.month),
        freezes_held=streaks.day.held,
    )


def from_streak(streak: PeriodStreak) -> pb.CadenceStreak:
    """Returns a streak of one cadence."""
    return pb.CadenceStreak(
        current=streak.current,
        best=streak.best,
        start_date=from_date(streak.start),
        last_date=from_date(streak.last),
    )


def from_rest_days(rest: RestDays) -> pb.RestDays:
    """Returns rest days."""
    return pb.RestDays(
        weekdays=sorted(rest.weekdays),
        effective_date=rest.effective_date.isoformat(),
        record_time=to_timestamp(rest.recorded_at),
    )


def from_pause(pause: Pause) -> pb.Pause:
    """Returns a pause."""
    return pb.Pause(
        name=f"pauses/{pause.pause_id}",
        first_date=pause.first.isoformat(),
        last_date=pause.last.isoformat(),
        end_date=pause.end.isoformat(),
        record_time=to_timestamp(pause.recorded_at),
    )


def from_freeze_change(change: FreezeChange) -> pb.FreezeChange:
    """Returns something that became of a freeze."""
    return pb.FreezeChange(
        kind=_EVENTS[change.event],
        product=change.product,
        date=change.day.isoformat(),
        record_time=to_timestamp(change.recorded_at) if change.recorded_at else None,
    )


def from_entry(entry: Entry, *, for_operators: bool) -> pb.StreakEntry:
    """Returns an entry; who the operator was is told to operators alone."""
    shown = pb.StreakEntry(entry_id=str(entry.entry_id), record_time=to_timestamp(entry.recorded_at))
    shown.MergeFrom(pb.StreakEntry(**_told(entry)))
    if not for_operators:
        shown.ClearField("actor")
    return shown


def _told(entry: Entry) -> dict[str, Any]:
    match entry:
        case RestDays():
            return {
                "kind": pb.StreakEntry.KIND_REST_DAYS,
                "first_date": entry.effective_date.isoformat(),
                "weekdays": sorted(entry.weekdays),
            }
        case PlannedPause():
            return {
                "kind": pb.StreakEntry.KIND_PAUSE_PLANNED,
                "first_date": entry.first.isoformat(),
                "last_date": entry.last.isoformat(),
            }
        case PauseCancelled():
            return {
                "kind": pb.StreakEntry.KIND_PAUSE_CANCELLED,
                "first_date": entry.from_date.isoformat(),
                "pause_id": str(entry.pause_id),
            }
        case FreezeGranted():
            kind, source, limit = pb.StreakEntry.KIND_FREEZE_GRANTED, entry.source, entry.held_at_most
        case Repaired():
            kind, source, limit = pb.StreakEntry.KIND_REPAIRED, "", 0
    return {
        "kind": kind,
        "product": entry.product,
        "first_date": entry.day.isoformat(),
        "source": source,
        "held_at_most": limit,
        "actor": entry.actor,
        "reason": entry.reason,
    }
