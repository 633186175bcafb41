"""Between the messages of explanations and what the use cases speak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from practice.stats.v1 import explanation_pb2 as pb
from practice.stats.v1 import streak_pb2

from stats_service.adapters.grpc.converters import to_timestamp
from stats_service.adapters.grpc.streak_converters import from_date, from_entry
from stats_service.application.ports.explanations import DaySessions
from stats_service.domain.calendar import Calendar
from stats_service.domain.explanation import Cadence, ExplainedDay, Status
from stats_service.domain.keeping import FREEZE, PAUSE, REPAIR, REST, SKIPPED, TURN, Timeline
from stats_service.domain.known import Cause
from stats_service.domain.sessions import KnownSession, LeftOut, left_out
from stats_service.domain.streaks import Run

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
_REASONS = {
    REST: pb.KEEP_REASON_REST,
    PAUSE: pb.KEEP_REASON_PAUSE,
    TURN: pb.KEEP_REASON_TURN,
    SKIPPED: pb.KEEP_REASON_SKIPPED,
    REPAIR: pb.KEEP_REASON_REPAIR,
    FREEZE: pb.KEEP_REASON_FREEZE,
}
_LEFT_OUT: Mapping[LeftOut, pb.LeftOut.ValueType] = {
    "abandoned": pb.LEFT_OUT_ABANDONED,
    "outcome": pb.LEFT_OUT_OUTCOME,
    "unanswered": pb.LEFT_OUT_UNANSWERED,
}


def to_instant(timestamp: Timestamp, *, given: bool) -> datetime | None:
    """Returns an instant that the caller gave, None when they did not."""
    instant: datetime = timestamp.ToDatetime(UTC)
    return instant if given else None


def from_session(session: KnownSession) -> pb.ExplainedSession:
    """Returns a session."""
    return pb.ExplainedSession(
        session_id=session.session_id,
        product=session.product,
        outcome=session.outcome,
        counts=session.counts,
        start_time=to_timestamp(session.start_time),
        end_time=to_timestamp(session.end_time),
        time_zone=session.time_zone,
        rollover_hour=session.rollover_hour,
        local_date=session.local_date.isoformat(),
        elapsed_seconds=session.elapsed_seconds,
        receive_time=to_timestamp(session.received_at),
        implausible=session.implausible,
        synced=session.synced,
    )


def from_left_out(session: KnownSession) -> pb.LeftOutSession:
    """Returns a session that is in no total."""
    return pb.LeftOutSession(session=from_session(session), reason=_LEFT_OUT[left_out(session.outcome)])


def from_run(run: Run | None) -> pb.StreakRun | None:
    """Returns a streak from its first period to its last."""
    if run is None:
        return None
    return pb.StreakRun(
        first_date=run.first.isoformat(),
        last_date=run.last.isoformat(),
        length=run.length,
        kept_count=len(run.kept),
        end_date=from_date(run.ended_on),
    )


def from_calendars(timeline: Timeline) -> Sequence[pb.CalendarInForce]:
    """Returns the newest calendars of a time, and the one it began with; oldest first."""
    newest = timeline[-_MOST_CALENDARS:]
    return [from_calendar(calendar, instant) for instant, calendar in newest]


def from_calendar(calendar: Calendar, instant: datetime) -> pb.CalendarInForce:
    """Returns a calendar in force from an instant on."""
    return pb.CalendarInForce(
        time_zone=calendar.time_zone,
        rollover_hour=calendar.rollover_hour,
        effective_time=to_timestamp(instant),
    )


def from_days(
    days: Sequence[ExplainedDay], sessions: Mapping[date, DaySessions], *, for_operators: bool
) -> Sequence[pb.ExplainedDay]:
    """Returns days with what is behind them."""
    return [_from_day(day, sessions.get(day.day), for_operators=for_operators) for day in days]


def _from_day(day: ExplainedDay, sessions: DaySessions | None, *, for_operators: bool) -> pb.ExplainedDay:
    shown = pb.ExplainedDay(date=day.day.isoformat(), status=_STATUSES[day.status])
    if day.cause is not None:
        _add_cause(shown, day.cause, for_operators=for_operators)
    if sessions is not None:
        shown.session_count = sessions.count
        shown.sessions.extend(map(from_session, sessions.sessions))
    return shown


def _add_cause(shown: pb.ExplainedDay, cause: Cause, *, for_operators: bool) -> None:
    shown.keep_reason = _REASONS[cause.reason]
    if cause.entry is not None:
        shown.keep_entry.CopyFrom(from_entry(cause.entry, for_operators=for_operators))
    if cause.turn is not None:
        turn = cause.turn
        shown.turn.append(
            pb.CalendarInForce(time_zone=turn.before.time_zone, rollover_hour=turn.before.rollover_hour)
        )
        shown.turn.append(from_calendar(turn.after, turn.instant))
