"""What the yoga product's clients are answered."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import Value
from practice.products.yoga.v1 import yoga_service_pb2 as pb2

from service_kit.grpc.product_shapes import rfc3339
from session_service.adapters.grpc.products.shapes import nullable
from session_service.application.ports.readers import History
from session_service.application.ports.sessions import Summary
from session_service.application.ports.statistics import Streak
from session_service.application.progress import Month
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State

# An open session counts as given up until it is ended.
_SHOWN = {**{state: state.value for state in State}, State.ACTIVE: "abandoned", State.PAUSED: "abandoned"}


def session(session: PracticeSession) -> pb2.SessionResponse:
    """Returns a session, open or ended."""
    return pb2.SessionResponse(
        **_common(session),
        completed_at=nullable(rfc3339(session.ended_at) if session.ended_at else None),
    )


def completed(session: PracticeSession, summary: Summary) -> pb2.CompleteSessionResponse:
    """Returns an ended session and the statistics with it."""
    assert session.ended_at is not None
    return pb2.CompleteSessionResponse(
        **_common(session),
        completed_at=rfc3339(session.ended_at),
        statistics=pb2.Statistics(**_figures(summary)),
    )


def paused(session: PracticeSession) -> pb2.PauseSessionResponse:
    """Returns what is kept of a session at rest."""
    return pb2.PauseSessionResponse(
        session_id=session.id,
        duration_seconds=session.elapsed_seconds,
        completion_status=_SHOWN[session.state],
    )


def history(found: History) -> pb2.ListHistoryResponse:
    """Returns a part of the sessions and how many there are in all."""
    return pb2.ListHistoryResponse(total=found.total, sessions=[session(each) for each in found.sessions])


def stats(summary: Summary, streak: Streak) -> pb2.GetStatsResponse:
    """Returns the statistics and the streaks."""
    return pb2.GetStatsResponse(
        **_figures(summary), current_streak=streak.current, longest_streak=streak.best
    )


def calendar(month: Month) -> pb2.GetCalendarResponse:
    """Returns a month's days with practice."""
    return pb2.GetCalendarResponse(
        month=month.first.isoformat()[:7],
        days=[
            pb2.CalendarDay(date=day.day.isoformat(), sessions=day.sessions, seconds=day.seconds)
            for day in month.days
        ],
    )


def _common(session: PracticeSession) -> dict[str, Any]:
    """Returns the members that an open and an ended session share."""
    return {
        "session_id": session.id,
        "user_id": session.user_id,
        "sequence_id": _sequence(session),
        "started_at": rfc3339(session.started_at),
        "duration_seconds": session.elapsed_seconds,
        "completion_status": _SHOWN[session.state],
        "notes": nullable(session.note or None),
    }


def _sequence(session: PracticeSession) -> Value:
    """Returns the number of the sequence practised, null in free practice."""
    number = session.content.removeprefix("sequences/")
    return Value(number_value=int(number)) if number else nullable(None)


def _figures(summary: Summary) -> dict[str, Any]:
    """Returns the members that all statistics have."""
    return {
        "total_sessions": summary.completed,
        "total_practice_time_seconds": summary.completed_seconds,
        "average_duration_seconds": summary.average_seconds,
        "completion_rate_percent": summary.completion_percentage,
    }
