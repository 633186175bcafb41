"""The bytes in which events leave the service."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from practice.events.v1 import session_ended_pb2

from session_service.domain.events import SessionEnded


def to_message(event: SessionEnded) -> session_ended_pb2.SessionEnded:
    """Returns the integration event of a domain event."""
    return session_ended_pb2.SessionEnded(
        event_id=str(event.event_id),
        user_id=event.user_id,
        user_seq=event.user_seq,
        session_id=event.session_id,
        product=event.product,
        outcome=event.outcome,
        counts=event.counts,
        start_time=to_timestamp(event.started_at),
        end_time=to_timestamp(event.ended_at),
        time_zone=event.time_zone,
        rollover_hour=event.rollover_hour,
        local_date=event.local_date.isoformat(),
        elapsed_seconds=event.elapsed_seconds,
        implausible=event.implausible,
        answer_count=event.answer_count,
        correct_answer_count=event.correct_answer_count,
        content=event.content,
        mode=event.mode,
    )


def encode(event: SessionEnded) -> bytes:
    """Returns an event's bytes; the same event gives the same bytes."""
    return to_message(event).SerializeToString(deterministic=True)


def to_timestamp(instant: datetime) -> Timestamp:
    """Returns an aware datetime as a protobuf timestamp."""
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp
