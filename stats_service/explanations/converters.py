"""Between the messages of explanations and what the use cases speak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from practice.stats.v1 import explanation_pb2 as pb
from practice.stats.v1 import streak_pb2

from stats_service.adapters.grpc.converters import (
    date_to_proto,
    entry_to_proto,
    instant_to_proto,
    keep_reason_to_proto,
)
from stats_service.domain.calendar import Calendar, Timeline
from stats_service.domain.periods import Cadence
from stats_service.domain.protection import ProtectedPeriod
from stats_service.domain.streaks import Run
from stats_service.explanations.domain import ExplainedDay, LeftOut, SessionAsOf, Status, left_out
from stats_service.explanations.ports import DaySessions

_MOST_CALENDARS = 100

CADENCES: Mapping[streak_pb2.Cadence.ValueType, Cadence] = {
    streak_pb2.CADENCE_UNSPECIFIED: "day",
    streak_pb2.CADENCE_DAY: "day",
    streak_pb2.CADENCE_WEEK: "week",
    streak_pb2.CADENCE_MONTH: "month",
}
CADENCES_SHOWN = {cadence: code for code, cadence in CADENCES.items()}
_STATUSES: Mapping[Status, pb.ExplainedDay.Status.ValueType] = {
    "practised": pb.ExplainedDay.STATUS_PRACTISED,
    "kept": pb.ExplainedDay.STATUS_KEPT,
    "missed": pb.ExplainedDay.STATUS_MISSED,
    "open": pb.ExplainedDay.STATUS_OPEN,
}
_LEFT_OUT: Mapping[LeftOut, pb.LeftOut.ValueType] = {
    "abandoned": pb.LEFT_OUT_ABANDONED,
    "outcome": pb.LEFT_OUT_OUTCOME,
    "unanswered": pb.LEFT_OUT_UNANSWERED,
}


def instant_from_proto(timestamp: Timestamp, *, given: bool) -> datetime | None:
    """Returns an instant that the caller gave, None when they did not."""
    instant: datetime = timestamp.ToDatetime(UTC)
    return instant if given else None


def session_to_proto(session: SessionAsOf) -> pb.ExplainedSession:
    """Returns a session."""
    return pb.ExplainedSession(
        session_id=session.session_id,
        product=session.product,
        outcome=session.outcome,
        counts=session.counts,
        start_time=instant_to_proto(session.start_time),
        end_time=instant_to_proto(session.end_time),
        time_zone=session.time_zone,
        rollover_hour=session.rollover_hour,
        local_date=session.local_date.isoformat(),
        elapsed_seconds=session.elapsed_seconds,
        receive_time=instant_to_proto(session.received_at),
        implausible=session.implausible,
        synced=session.synced,
    )


def left_out_to_proto(session: SessionAsOf) -> pb.LeftOutSession:
    """Returns a session that is in no total."""
    return pb.LeftOutSession(session=session_to_proto(session), reason=_LEFT_OUT[left_out(session.outcome)])


def run_to_proto(run: Run | None) -> pb.StreakRun | None:
    """Returns a streak from its first period to its last."""
    if run is None:
        return None
    return pb.StreakRun(
        first_date=run.first.isoformat(),
        last_date=run.last.isoformat(),
        length=run.length,
        kept_count=len(run.protected),
        end_date=date_to_proto(run.ended_on),
    )


def calendars_to_proto(timeline: Timeline) -> Sequence[pb.CalendarInForce]:
    """Returns the newest calendars of a time, and the one it began with; oldest first."""
    newest = timeline[-_MOST_CALENDARS:]
    return [calendar_to_proto(calendar, instant) for instant, calendar in newest]


def calendar_to_proto(calendar: Calendar, instant: datetime) -> pb.CalendarInForce:
    """Returns a calendar in force from an instant on."""
    return pb.CalendarInForce(
        time_zone=calendar.time_zone,
        rollover_hour=calendar.rollover_hour,
        effective_time=instant_to_proto(instant),
    )


def days_to_proto(
    days: Sequence[ExplainedDay], sessions: Mapping[date, DaySessions], *, for_operators: bool
) -> Sequence[pb.ExplainedDay]:
    """Returns days with what is behind them."""
    return [_day_to_proto(day, sessions.get(day.day), for_operators=for_operators) for day in days]


def _day_to_proto(day: ExplainedDay, sessions: DaySessions | None, *, for_operators: bool) -> pb.ExplainedDay:
    shown = pb.ExplainedDay(date=day.day.isoformat(), status=_STATUSES[day.status])
    if day.cause is not None:
        _add_cause(shown, day.cause, for_operators=for_operators)
    if sessions is not None:
        shown.session_count = sessions.count
        shown.sessions.extend(map(session_to_proto, sessions.sessions))
    return shown


def _add_cause(shown: pb.ExplainedDay, cause: ProtectedPeriod, *, for_operators: bool) -> None:
    shown.keep_reason = keep_reason_to_proto(cause.reason)
    if cause.entry is not None:
        shown.keep_entry.CopyFrom(entry_to_proto(cause.entry, for_operators=for_operators))
    if cause.transition is not None:
        transition = cause.transition
        shown.calendar_change.append(
            pb.CalendarInForce(
                time_zone=transition.before.time_zone, rollover_hour=transition.before.rollover_hour
            )
        )
        shown.calendar_change.append(calendar_to_proto(transition.after, transition.instant))
