"""What the focus product's clients are answered: everything in its envelope."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import NullValue, Value
from practice.products.focus.v1 import focus_service_pb2 as pb2

from service_kit.grpc.product_shapes import rfc3339
from session_service.adapters.grpc.products.shapes import nullable
from session_service.domain.practice_session import PracticeSession


def session(message: str, session: PracticeSession) -> pb2.SessionResponse:
    """Returns a session and what was done to it."""
    return pb2.SessionResponse(success=True, message=message, data=_data(session))


def active(session: PracticeSession | None) -> pb2.NullableSessionResponse:
    """Returns the open session, or null."""
    if session is None:
        return pb2.NullableSessionResponse(
            success=True, message="no active focus session", data=Value(null_value=NullValue.NULL_VALUE)
        )
    data = Value()
    data.struct_value.update(
        MessageToDict(
            _data(session), preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    )
    return pb2.NullableSessionResponse(success=True, message="active focus session", data=data)


def history(sessions: Iterable[PracticeSession]) -> pb2.ListSessionsResponse:
    """Returns sessions as a list."""
    return pb2.ListSessionsResponse(success=True, message="focus sessions", data=map(_data, sessions))


def _data(session: PracticeSession) -> pb2.Session:
    return pb2.Session(
        id=session.id,
        user_id=session.user_id,
        duration_seconds=session.planned_seconds or 0,
        elapsed_seconds=session.elapsed_seconds,
        status=session.state.value,
        started_at=rfc3339(session.started_at),
        ended_at=nullable(rfc3339(session.ended_at) if session.ended_at else None),
    )
