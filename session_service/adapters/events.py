"""The bytes in which events leave the service."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from practice.events.v1 import calendar_changed_pb2, session_ended_pb2

from session_service.domain.events import CalendarChanged, Event, SessionEnded

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ended_to_proto(event: SessionEnded) -> session_ended_pb2.SessionEnded:
    """Returns the integration event of a domain event."""
    return session_ended_pb2.SessionEnded(
        event_id=str(event.event_id),
        user_id=event.user_id,
        user_seq=event.user_seq,
        session_id=event.session_id,
        product=event.product,
        outcome=event.outcome,
        counts=event.counts,
        start_time=instant_to_proto(event.started_at),
        end_time=instant_to_proto(event.ended_at),
        time_zone=event.time_zone,
        rollover_hour=event.rollover_hour,
        local_date=event.local_date.isoformat(),
        elapsed_seconds=event.elapsed_seconds,
        implausible=event.implausible,
        synced=event.synced,
        answer_count=event.answer_count,
        correct_answer_count=event.correct_answer_count,
        content=event.content,
        mode=event.mode,
    )


def calendar_changed_to_proto(event: CalendarChanged) -> calendar_changed_pb2.CalendarChanged:
    """Returns the integration event of a change of calendar."""
    message = calendar_changed_pb2.CalendarChanged(
        event_id=str(event.event_id),
        user_id=event.user_id,
        user_seq=event.user_seq,
        effective_time=instant_to_proto(event.effective_at),
        time_zone=event.time_zone,
        rollover_hour=event.rollover_hour,
    )
    if event.signed_up_at is not None:
        message.sign_up_time.CopyFrom(instant_to_proto(event.signed_up_at))
    return message


def encode(event: Event) -> bytes:
    """Returns an event's bytes; the same event gives the same bytes."""
    message = ended_to_proto(event) if isinstance(event, SessionEnded) else calendar_changed_to_proto(event)
    return message.SerializeToString(deterministic=True)


def instant_to_proto(instant: datetime) -> Timestamp:
    """Returns an aware datetime as a protobuf timestamp."""
    since = instant - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)
