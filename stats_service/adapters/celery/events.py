"""Events as they arrive from the queue: messages of practice.events.v1, base64 in JSON.

What is checked here is what no retry can cure; the session service's rules
are its own.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID

from google.protobuf.message import DecodeError
from practice.events.v1.calendar_changed_pb2 import CalendarChanged
from practice.events.v1.session_ended_pb2 import SessionEnded

from stats_service.application.ingest import Delivery, Fact
from stats_service.application.ports.learners import RefusedError, Rejection
from stats_service.domain.calendar import Calendar, CalendarChange
from stats_service.domain.completion import ALL_PRODUCTS, Completion

# The kind of event that a SessionEnded is; the other one is a CalendarChanged.
SESSION_ENDED = "session_ended"

_PRODUCT = re.compile(r"[a-z][a-z0-9_]{0,31}")
_OUTCOMES = ("completed", "partial", "abandoned")
_LONGEST_ELAPSED = 2**31 - 1
_MOST_ANSWERS = 1_000_000
_LONGEST_TEXT = 1_000
# Of the years 1 to 9999, those whose days have a day before and after them in every zone.
_YEARS = range(2, 9999)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NANOS = 1_000_000_000

# Of events whose requests are not told.
_NOBODY: Mapping[str, str] = MappingProxyType({})

F = TypeVar("F", bound=Fact)


class _UnreadableError(ValueError):
    """The event breaks its contract; the message says where."""


def decode(text: object, made_by: Mapping[str, str] = _NOBODY) -> Delivery[Completion]:
    """Returns the completion that a SessionEnded tells, or why it is refused for good. Never raises.

    `made_by` names the request of each event, which the message tells beside them.
    """
    return _decode(text, made_by, SessionEnded, _completion_from_proto)


def decode_calendar_change(text: object, made_by: Mapping[str, str] = _NOBODY) -> Delivery[CalendarChange]:
    """Returns the change that a CalendarChanged tells, or why it is refused for good. Never raises."""
    return _decode(text, made_by, CalendarChanged, _calendar_change_from_proto)


def _decode(
    text: object,
    made_by: Mapping[str, str],
    message: Callable[[], Any],
    to_fact: Callable[[UUID, Any], F],
) -> Delivery[F]:
    try:
        payload = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        return Delivery(b"", Rejection(None, "not base64", b""))
    event = message()
    try:
        event.ParseFromString(payload)
        event_id = UUID(event.event_id)
    except (DecodeError, ValueError):
        return Delivery(payload, Rejection(None, "no event with an id", payload))
    request_id = made_by.get(event.event_id, "")
    try:
        return Delivery(payload, to_fact(event_id, event), request_id)
    except _UnreadableError as error:
        refused = Rejection(event_id, str(error), payload, event.user_id or None)
        return Delivery(payload, refused, request_id)


def read_fact(kind: str, payload: bytes) -> Completion | CalendarChange:
    """Returns the fact that an event of a kind tells. Raises RefusedError."""
    text = base64.b64encode(payload)
    told = decode(text.decode()) if kind == SESSION_ENDED else decode_calendar_change(text.decode())
    if isinstance(told.content, Rejection):
        raise RefusedError(told.content.reason)
    return told.content


def encode(delivery: Delivery[Any]) -> str:
    """Returns a delivery as it arrived."""
    return base64.b64encode(delivery.payload).decode()


def _completion_from_proto(event_id: UUID, event: SessionEnded) -> Completion:
    # Thousands come at once when a device syncs: a field is asked for once, words are made for faults alone.
    end_time, time_zone = _instant(event, "end_time"), event.time_zone
    answers, right = event.answer_count, event.correct_answer_count
    user_id, user_seq, session_id = event.user_id, event.user_seq, event.session_id
    product, outcome, elapsed_seconds = event.product, event.outcome, event.elapsed_seconds
    for name, value in (("user_id", user_id), ("user_seq", user_seq), ("session_id", session_id)):
        if value <= 0:
            raise _UnreadableError(f"{name} is not positive")
    _demand(_PRODUCT.fullmatch(product) is not None and product != ALL_PRODUCTS, "product is not one")
    _demand(outcome in _OUTCOMES, "outcome is not one")
    _demand(0 <= event.rollover_hour <= 23, "rollover_hour is not 0 to 23")
    _demand(0 <= elapsed_seconds <= _LONGEST_ELAPSED, "elapsed_seconds is out of range")
    _demand(0 <= right <= answers <= _MOST_ANSWERS, "answer counts are out of range")
    return Completion(
        event_id=event_id,
        user_id=user_id,
        user_seq=user_seq,
        session_id=session_id,
        product=product,
        outcome=outcome,
        counts=event.counts,
        start_time=_instant(event, "start_time"),
        end_time=end_time,
        time_zone=_storable("time_zone", time_zone),
        rollover_hour=event.rollover_hour,
        local_date=_date(event.local_date),
        elapsed_seconds=elapsed_seconds,
        implausible=event.implausible,
        answer_count=answers,
        correct_answer_count=right,
        content=_storable("content", event.content),
        mode=_storable("mode", event.mode),
        synced=event.synced,
        local_minute=Calendar(time_zone).minute_of(end_time),
    )


def _calendar_change_from_proto(event_id: UUID, event: CalendarChanged) -> CalendarChange:
    for name in ("user_id", "user_seq"):
        _demand(getattr(event, name) > 0, f"{name} is not positive")
    _demand(0 <= event.rollover_hour <= 23, "rollover_hour is not 0 to 23")
    _demand(event.time_zone != "", "time_zone is missing")
    return CalendarChange(
        event_id=event_id,
        user_id=event.user_id,
        user_seq=event.user_seq,
        effective_time=_instant(event, "effective_time"),
        time_zone=_storable("time_zone", event.time_zone),
        rollover_hour=event.rollover_hour,
        sign_up_time=_instant(event, "sign_up_time") if event.HasField("sign_up_time") else None,
    )


def _storable(name: str, text: str) -> str:
    if len(text) > _LONGEST_TEXT or "\0" in text:
        raise _UnreadableError(f"{name} cannot be stored")
    return text


def _demand(fulfilled: bool, complaint: str) -> None:
    if not fulfilled:
        raise _UnreadableError(complaint)


def _instant(event: SessionEnded | CalendarChanged, name: str) -> datetime:
    if not event.HasField(name):  # type: ignore[arg-type]
        raise _UnreadableError(f"{name} is missing")
    told = getattr(event, name)
    try:
        # What ToDatetime does, in a fraction of its time.
        instant = datetime.fromtimestamp(told.seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _UnreadableError(f"{name} is not a time") from error
    nanos = told.nanos
    if not (0 <= nanos < _NANOS and instant.year in _YEARS):
        raise _UnreadableError(f"{name} is out of range")
    # Microseconds, as the database keeps them.
    return instant.replace(microsecond=nanos // 1_000) if nanos else instant


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError as error:
        raise _UnreadableError("local_date is not a date") from error
    if day is None or day.year not in _YEARS:
        raise _UnreadableError("local_date is out of range" if day else "local_date is not a date")
    return day
