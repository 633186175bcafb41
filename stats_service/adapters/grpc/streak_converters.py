"""Between the messages about streaks and what the use cases speak."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from google.protobuf.struct_pb2 import ListValue
from practice.stats.v1 import streak_pb2 as pb

from service_kit.errors import Fault, FieldsInvalidError
from stats_service.adapters.grpc.converters import date_from_proto, instant_to_proto
from stats_service.application.ports.reading import FreezeChange, FreezeEvent
from stats_service.application.streak_queries import Pause
from stats_service.domain.protection import (
    Entry,
    FreezeGranted,
    KeepReason,
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

_KEEP_REASONS = {
    KeepReason.REST: pb.KEEP_REASON_REST,
    KeepReason.PAUSE: pb.KEEP_REASON_PAUSE,
    KeepReason.CALENDAR_CHANGE: pb.KEEP_REASON_CALENDAR_CHANGE,
    KeepReason.SKIPPED: pb.KEEP_REASON_SKIPPED,
    KeepReason.REPAIR: pb.KEEP_REASON_REPAIR,
    KeepReason.FREEZE: pb.KEEP_REASON_FREEZE,
}


def required_date_from_proto(text: str, field: str) -> date:
    """Returns a day written `YYYY-MM-DD`. Raises FieldsInvalidError for any other text."""
    day = date_from_proto(text, field)
    if day is None:
        raise FieldsInvalidError([Fault(field, "is required", "required")])
    return day


def weekdays_from_proto(given: ListValue) -> frozenset[int]:
    """Returns weekdays, 0 Monday to 6 Sunday. Raises FieldsInvalidError for anything else, or all of them."""
    numbers = [value.number_value for value in given.values if value.HasField("number_value")]
    weekdays = frozenset(map(int, filter(_WEEKDAYS.__contains__, numbers)))
    if len(weekdays) != len(given.values) or len(weekdays) == len(_WEEKDAYS):
        raise FieldsInvalidError([Fault("weekdays", _NO_WEEKDAYS, "weekdays")])
    return weekdays


def date_to_proto(day: date | None) -> str:
    """Returns a day as it is written, an empty text for None."""
    return day.isoformat() if day else ""


def streaks_to_proto(product: str, streaks: Streaks) -> pb.ProductStreaks:
    """Returns a product's streaks."""
    return pb.ProductStreaks(
        product=product,
        day=streak_to_proto(streaks.day),
        week=streak_to_proto(streaks.week),
        month=streak_to_proto(streaks.month),
        freezes_held=streaks.day.held,
    )


def streak_to_proto(streak: PeriodStreak) -> pb.CadenceStreak:
    """Returns a streak of one cadence."""
    return pb.CadenceStreak(
        current=streak.current,
        best=streak.best,
        start_date=date_to_proto(streak.start),
        last_date=date_to_proto(streak.last),
    )


def rest_days_to_proto(rest: RestDays) -> pb.RestDays:
    """Returns rest days."""
    return pb.RestDays(
        weekdays=sorted(rest.weekdays),
        effective_date=rest.effective_date.isoformat(),
        record_time=instant_to_proto(rest.recorded_at),
    )


def pause_to_proto(pause: Pause) -> pb.Pause:
    """Returns a pause."""
    return pb.Pause(
        name=f"pauses/{pause.pause_id}",
        first_date=pause.first.isoformat(),
        last_date=pause.last.isoformat(),
        end_date=pause.end.isoformat(),
        record_time=instant_to_proto(pause.recorded_at),
    )


def freeze_change_to_proto(change: FreezeChange) -> pb.FreezeChange:
    """Returns something that became of a freeze."""
    return pb.FreezeChange(
        kind=_EVENTS[change.event],
        product=change.product,
        date=change.day.isoformat(),
        record_time=instant_to_proto(change.recorded_at) if change.recorded_at else None,
    )


def entry_to_proto(entry: Entry, *, for_operators: bool) -> pb.StreakEntry:
    """Returns an entry; who the operator was is told to operators alone."""
    shown = pb.StreakEntry(entry_id=str(entry.entry_id), record_time=instant_to_proto(entry.recorded_at))
    shown.MergeFrom(pb.StreakEntry(**_fields_of(entry)))
    if not for_operators:
        shown.ClearField("actor")
    return shown


def _fields_of(entry: Entry) -> dict[str, Any]:
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


def keep_reason_to_proto(reason: KeepReason | None) -> pb.KeepReason.ValueType:
    """Returns why a day keeps a streak, if it does."""
    return _KEEP_REASONS[reason] if reason else pb.KEEP_REASON_UNSPECIFIED
