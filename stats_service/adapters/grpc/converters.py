"""Between the messages of practice.stats.v1 and what the use cases speak."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from google.protobuf.struct_pb2 import ListValue
from google.protobuf.timestamp_pb2 import Timestamp
from practice.stats.v1 import progress_pb2 as pb
from practice.stats.v1 import stats_service_pb2 as service_pb
from practice.stats.v1 import streak_pb2 as streak_pb

from service_kit.errors import Fault, FieldsInvalidError
from stats_service.application.ports.reading import AwardedBadge, FreezeChange, FreezeEvent
from stats_service.application.progress_queries import (
    CompletionEffects,
    DailyProgress,
    StandingToday,
    Statistics,
)
from stats_service.application.streak_queries import Pause
from stats_service.domain.badges import BadgeContent, State
from stats_service.domain.protection import (
    Entry,
    FreezeGranted,
    KeepReason,
    PauseCancelled,
    PlannedPause,
    Repaired,
    RestDays,
)
from stats_service.domain.standing import Tally
from stats_service.domain.streaks import PeriodStreak, Streaks


def date_from_proto(text: str, field: str) -> date | None:
    """Returns a day written `YYYY-MM-DD`, None for an empty text. Raises FieldsInvalidError."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise FieldsInvalidError([Fault(field, "must be a day such as 2026-05-15")]) from error


def daily_progress_to_proto(progress: DailyProgress) -> service_pb.ListDailyProgressResponse:
    """Returns days as the canonical API shows them."""
    days = [day_to_proto(day, progress.product, tally) for day, tally in progress.days]
    return service_pb.ListDailyProgressResponse(days=days, pending=progress.pending)


def day_to_proto(day: date, product: str, tally: Tally) -> pb.DailyProgress:
    """Returns the progress of a day."""
    return pb.DailyProgress(
        date=day.isoformat(),
        product=product,
        session_count=tally.session_count,
        elapsed_seconds=tally.elapsed_seconds,
        answer_count=tally.answer_count,
        correct_answer_count=tally.correct_answer_count,
    )


def standing_to_proto(standing: StandingToday) -> service_pb.GetStandingResponse:
    """Returns a standing as the canonical API shows it."""
    tally, streak = standing.tally, standing.streaks.day
    return service_pb.GetStandingResponse(
        totals=pb.Totals(
            product=standing.product,
            session_count=tally.session_count,
            elapsed_seconds=tally.elapsed_seconds,
            answer_count=tally.answer_count,
            correct_answer_count=tally.correct_answer_count,
            day_count=standing.day_count,
        ),
        streak=pb.Streak(
            product=standing.product,
            current_days=streak.current,
            best_days=streak.best,
            last_date=streak.last.isoformat() if streak.last else "",
            start_date=streak.start.isoformat() if streak.start else "",
            as_of_date=standing.as_of.isoformat(),
        ),
        pending=standing.pending,
        applied_through=standing.applied_through,
    )


def completion_effects_to_proto(effects: CompletionEffects) -> service_pb.GetCompletionEffectsResponse:
    """Returns what a completion led to as the canonical API shows it."""
    standing = standing_to_proto(effects.standing)
    return service_pb.GetCompletionEffectsResponse(
        totals=standing.totals,
        streak=standing.streak,
        badges=map(awarded_badge_to_proto, effects.badges),
        pending=standing.pending,
    )


def statistics_to_proto(news: Statistics) -> service_pb.StatisticsChange:
    """Returns statistics, or what of them is news, as a watcher sees them."""
    kinds = service_pb.StatisticsChange
    told = [standing_to_proto(each) for each in news.standings]
    return service_pb.StatisticsChange(
        kind=kinds.KIND_SNAPSHOT if news.whole else kinds.KIND_CHANGED,
        cursor=news.applied_through,
        products=[
            service_pb.ProductStatistics(totals=standing.totals, streak=standing.streak) for standing in told
        ],
        badges=map(awarded_badge_to_proto, news.badges),
    )


def awarded_badge_to_proto(awarded: AwardedBadge) -> pb.AwardedBadge:
    """Returns an award as the canonical API shows it."""
    award = awarded.award
    return pb.AwardedBadge(
        badge=badge_content_to_proto(awarded.badge, award.version),
        award_time=instant_to_proto(award.award_time),
        session_id=award.session_id,
    )


def badge_content_to_proto(badge: BadgeContent, version: int) -> pb.BadgeDefinition:
    """Returns a version of a badge as the canonical API shows it."""
    return pb.BadgeDefinition(
        badge_id=badge.badge_id,
        version=version,
        name=badge.name,
        description=badge.description,
        icon=badge.icon,
        product=badge.product,
        condition=badge.condition,
        first_date=badge.first_day.isoformat() if badge.first_day else "",
        last_date=badge.last_day.isoformat() if badge.last_day else "",
        hidden=badge.hidden,
        state=_STATES[badge.state],
    )


def instant_to_proto(instant: datetime) -> Timestamp:
    """Returns an aware instant as a message."""
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp


def badge_content_from_proto(
    definition: pb.BadgeDefinition, place: str = "badge_definitions"
) -> BadgeContent:
    """Returns a definition as an editor gave it; its version is the service's to say.

    Raises InvalidArgumentError for a day that is none; `place` is in its metadata.
    """
    return BadgeContent(
        badge_id=definition.badge_id,
        name=definition.name,
        description=definition.description,
        icon=definition.icon,
        product=definition.product,
        condition=definition.condition,
        first_day=date_from_proto(definition.first_date, f"{place}.first_date"),
        last_day=date_from_proto(definition.last_date, f"{place}.last_date"),
        hidden=definition.hidden,
        state=_STATES_READ.get(definition.state, "active"),
    )


_STATES: Mapping[State, pb.BadgeState.ValueType] = {
    "inactive": pb.BADGE_STATE_INACTIVE,
    "active": pb.BADGE_STATE_ACTIVE,
    "locked": pb.BADGE_STATE_LOCKED,
}
_STATES_READ = {code: state for state, code in _STATES.items()}


_EVENTS: Mapping[FreezeEvent, streak_pb.FreezeChange.Kind.ValueType] = {
    "granted": streak_pb.FreezeChange.KIND_GRANTED,
    "bought": streak_pb.FreezeChange.KIND_BOUGHT,
    "used": streak_pb.FreezeChange.KIND_USED,
    "refunded": streak_pb.FreezeChange.KIND_REFUNDED,
}

_WEEKDAYS = range(7)
_NO_WEEKDAYS = "must be numbers from 0 (Monday) to 6 (Sunday), each once and not all seven, such as [5, 6]"

_KEEP_REASONS = {
    KeepReason.REST: streak_pb.KEEP_REASON_REST,
    KeepReason.PAUSE: streak_pb.KEEP_REASON_PAUSE,
    KeepReason.CALENDAR_CHANGE: streak_pb.KEEP_REASON_CALENDAR_CHANGE,
    KeepReason.SKIPPED: streak_pb.KEEP_REASON_SKIPPED,
    KeepReason.REPAIR: streak_pb.KEEP_REASON_REPAIR,
    KeepReason.FREEZE: streak_pb.KEEP_REASON_FREEZE,
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


def streaks_to_proto(product: str, streaks: Streaks) -> streak_pb.ProductStreaks:
    """Returns a product's streaks."""
    return streak_pb.ProductStreaks(
        product=product,
        day=streak_to_proto(streaks.day),
        week=streak_to_proto(streaks.week),
        month=streak_to_proto(streaks.month),
        freezes_held=streaks.day.held,
    )


def streak_to_proto(streak: PeriodStreak) -> streak_pb.CadenceStreak:
    """Returns a streak of one cadence."""
    return streak_pb.CadenceStreak(
        current=streak.current,
        best=streak.best,
        start_date=date_to_proto(streak.start),
        last_date=date_to_proto(streak.last),
    )


def rest_days_to_proto(rest: RestDays) -> streak_pb.RestDays:
    """Returns rest days."""
    return streak_pb.RestDays(
        weekdays=sorted(rest.weekdays),
        effective_date=rest.effective_date.isoformat(),
        record_time=instant_to_proto(rest.recorded_at),
    )


def pause_to_proto(pause: Pause) -> streak_pb.Pause:
    """Returns a pause."""
    return streak_pb.Pause(
        name=f"pauses/{pause.pause_id}",
        first_date=pause.first.isoformat(),
        last_date=pause.last.isoformat(),
        end_date=pause.end.isoformat(),
        record_time=instant_to_proto(pause.recorded_at),
    )


def freeze_change_to_proto(change: FreezeChange) -> streak_pb.FreezeChange:
    """Returns something that became of a freeze."""
    return streak_pb.FreezeChange(
        kind=_EVENTS[change.event],
        product=change.product,
        date=change.day.isoformat(),
        record_time=instant_to_proto(change.recorded_at) if change.recorded_at else None,
    )


def entry_to_proto(entry: Entry, *, for_operators: bool) -> streak_pb.StreakEntry:
    """Returns an entry; who the operator was is told to operators alone."""
    shown = streak_pb.StreakEntry(
        entry_id=str(entry.entry_id), record_time=instant_to_proto(entry.recorded_at)
    )
    shown.MergeFrom(streak_pb.StreakEntry(**_fields_of(entry)))
    if not for_operators:
        shown.ClearField("actor")
    return shown


def _fields_of(entry: Entry) -> dict[str, Any]:
    match entry:
        case RestDays():
            return {
                "kind": streak_pb.StreakEntry.KIND_REST_DAYS,
                "first_date": entry.effective_date.isoformat(),
                "weekdays": sorted(entry.weekdays),
            }
        case PlannedPause():
            return {
                "kind": streak_pb.StreakEntry.KIND_PAUSE_PLANNED,
                "first_date": entry.first.isoformat(),
                "last_date": entry.last.isoformat(),
            }
        case PauseCancelled():
            return {
                "kind": streak_pb.StreakEntry.KIND_PAUSE_CANCELLED,
                "first_date": entry.from_date.isoformat(),
                "pause_id": str(entry.pause_id),
            }
        case FreezeGranted():
            kind, source, limit = streak_pb.StreakEntry.KIND_FREEZE_GRANTED, entry.source, entry.held_at_most
        case Repaired():
            kind, source, limit = streak_pb.StreakEntry.KIND_REPAIRED, "", 0
    return {
        "kind": kind,
        "product": entry.product,
        "first_date": entry.day.isoformat(),
        "source": source,
        "held_at_most": limit,
        "actor": entry.actor,
        "reason": entry.reason,
    }


def keep_reason_to_proto(reason: KeepReason | None) -> streak_pb.KeepReason.ValueType:
    """Returns why a day keeps a streak, if it does."""
    return _KEEP_REASONS[reason] if reason else streak_pb.KEEP_REASON_UNSPECIFIED
