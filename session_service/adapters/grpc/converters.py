"""Between canonical messages and domain values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from practice.session.v1 import practice_session_pb2 as session_pb2

from service_kit.errors import (
    InvalidArgumentError,
)
from service_kit.grpc.statuses import error_to_proto
from session_service.adapters.events import instant_to_proto
from session_service.application.ports.readers import JournalEntry
from session_service.application.ports.sessions import SessionRef
from session_service.application.watch_session import Snapshot
from session_service.domain.answers import AnswerResult, SubmittedAnswer
from session_service.domain.items import SessionItem
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State

Proto = session_pb2.PracticeSession

_MOST_SETTINGS = 64
_MOST_SETTINGS_BYTES = 8_192
_LARGEST_EXACT = 2**53 - 1

STATES = {
    State.ACTIVE: Proto.STATE_ACTIVE,
    State.PAUSED: Proto.STATE_PAUSED,
    State.COMPLETED: Proto.STATE_COMPLETED,
    State.PARTIAL: Proto.STATE_PARTIAL,
    State.ABANDONED: Proto.STATE_ABANDONED,
}
DOMAIN_STATES = {number: state for state, number in STATES.items()}

_KINDS = {
    Change.ANSWERED: session_pb2.SessionChange.KIND_ANSWERED,
    Change.PAUSED: session_pb2.SessionChange.KIND_PAUSED,
    Change.RESUMED: session_pb2.SessionChange.KIND_RESUMED,
    Change.DRAFT_SAVED: session_pb2.SessionChange.KIND_DRAFT_SAVED,
    Change.MESSAGE_ADDED: session_pb2.SessionChange.KIND_MESSAGE_ADDED,
    Change.NOTED: session_pb2.SessionChange.KIND_NOTED,
    Change.ENDED: session_pb2.SessionChange.KIND_ENDED,
}


def ref_from_name(name: str) -> SessionRef:
    """Returns the session named `sessions/{number}`, a shape the schema has checked."""
    return SessionRef(int(name.removeprefix("sessions/")))


def seconds_from_proto(duration: Duration) -> int:
    """Returns a duration in whole seconds. Raises InvalidArgumentError when it is negative."""
    if duration.seconds < 0 or duration.nanos < 0:
        raise InvalidArgumentError("A duration cannot be negative", reason="FIELD_INVALID")
    return duration.seconds


def instant_from_proto(timestamp: Timestamp) -> datetime:
    """Returns a protobuf timestamp as an aware datetime.

    Raises InvalidArgumentError outside of the years 1 to 9999.
    """
    try:
        return timestamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidArgumentError("A time must be of the years 1 to 9999", reason="FIELD_INVALID") from error


def session_to_proto(session: PracticeSession, now: datetime, *, statistics_pending: bool = False) -> Proto:
    """Returns a session as the canonical API shows it; an open one's elapsed time is as of `now`."""
    message = Proto(
        name=f"sessions/{session.id}",
        user_id=session.user_id,
        product=session.product,
        mode=session.mode,
        content=session.content,
        state=STATES[session.state],
        elapsed=Duration(seconds=session.elapsed_at(now)),
        implausible=session.implausible,
        start_time=instant_to_proto(session.started_at),
        time_zone=session.time_zone,
        local_date=session.local_date.isoformat() if session.local_date else "",
        answer_count=session.answer_count,
        correct_answer_count=session.correct_answer_count,
        draft_hash=session.draft_hash if session.draft_saved_at else "",
        etag=session.etag,
        update_time=instant_to_proto(session.updated_at),
        user_seq=session.user_seq,
        statistics_pending=statistics_pending,
        content_title=session.content_title,
        content_type=session.content_type,
        item_count=session.item_count,
        answered_item_count=session.answered_item_count,
        right_run=session.right_run,
        note=session.note,
    )
    if session.settings:
        message.settings.update(_make_integers_exact(session.settings))
    if session.planned_seconds is not None:
        message.planned_duration.CopyFrom(Duration(seconds=session.planned_seconds))
    if session.ended_at is not None:
        message.end_time.CopyFrom(instant_to_proto(session.ended_at))
    if session.draft_saved_at is not None:
        message.draft_save_time.CopyFrom(instant_to_proto(session.draft_saved_at))
    return message


def answers_from_proto(answers: Iterable[session_pb2.Answer]) -> list[SubmittedAnswer]:
    """Returns the answers of a request; the use case judges each for itself."""
    return [_answer_from_proto(answer) for answer in answers]


def _answer_from_proto(answer: session_pb2.Answer) -> SubmittedAnswer:
    taken = None
    if answer.HasField("time_taken"):
        taken = answer.time_taken.seconds + answer.time_taken.nanos / 1e9
    return SubmittedAnswer(answer.item, answer.text, answer.answer_id, taken)


def result_to_proto(result: AnswerResult) -> session_pb2.AnswerResult:
    """Returns what became of an answer."""
    message = session_pb2.AnswerResult(answer_id=result.answer_id, item=result.item)
    if result.recorded is not None:
        message.correct = result.recorded.correct
        message.correct_answer = result.recorded.correct_answer
        message.feedback = result.recorded.feedback
    if result.refusal is not None:
        message.error.CopyFrom(error_to_proto(result.refusal.as_error()))
    return message


def item_to_proto(item: SessionItem) -> session_pb2.SessionItem:
    """Returns an item of a session."""
    return session_pb2.SessionItem(
        position=item.position,
        item=item.item,
        prompt=item.prompt,
        correct_answer=item.correct_answer,
        attempt_count=item.attempt_count,
        correct_attempt_count=item.correct_attempt_count,
    )


def settings_from_proto(settings: Struct) -> dict[str, Any]:
    """Returns a client's settings. Raises InvalidArgumentError when they are too many, or no JSON.

    Also for an integer that a double may have changed on its way here: it is
    to come as text.
    """
    try:
        given = MessageToDict(settings)
    except ValueError as error:
        # NaN and the infinities, which only native clients can send.
        raise _settings_invalid("Settings hold a number that JSON has not") from error
    check_settings(given)
    if _is_inexact(given):
        raise _settings_invalid("Settings hold an integer of over 53 bits; it has to come as text")
    return given


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises InvalidArgumentError for settings that are too many or too large, or no Unicode."""
    try:
        size = len(json.dumps(settings, ensure_ascii=False).encode())
    except UnicodeEncodeError as error:
        raise _settings_invalid("Settings hold half of a character") from error
    if _holds_nul(settings):
        raise _settings_invalid("Settings hold the character U+0000, which no text of a database can")
    if len(settings) > _MOST_SETTINGS or size > _MOST_SETTINGS_BYTES:
        raise _settings_invalid(
            f"Settings have at most {_MOST_SETTINGS} members and {_MOST_SETTINGS_BYTES} bytes"
        )


def _holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any("\0" in name or _holds_nul(each) for name, each in value.items())
        case list():
            return any(map(_holds_nul, value))
    return False


def _settings_invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, reason="FIELD_INVALID", field="settings")


def _is_inexact(value: Any) -> bool:
    """Tells whether a value holds a number of which a double has only some digits."""
    match value:
        case dict():
            return any(map(_is_inexact, value.values()))
        case list():
            return any(map(_is_inexact, value))
        case int() | float():
            return abs(value) > _LARGEST_EXACT
    return False


def _make_integers_exact(value: Any) -> Any:
    """Returns a value with texts for the integers that a double cannot hold exactly, as JSON's int64 are."""
    match value:
        case dict():
            return {name: _make_integers_exact(each) for name, each in value.items()}
        case list():
            return [_make_integers_exact(each) for each in value]
        case int() if abs(value) > _LARGEST_EXACT:
            return str(value)
    return value


def message_to_proto(message: Message) -> session_pb2.Message:
    """Returns a line of the conversation."""
    return session_pb2.Message(
        position=message.position,
        role=message.role,
        content=message.content,
        create_time=instant_to_proto(message.created_at),
    )


def change_to_proto(happened: Snapshot | JournalEntry) -> session_pb2.SessionChange:
    """Returns what a watcher sees."""
    if isinstance(happened, Snapshot):
        session = happened.session
        return session_pb2.SessionChange(
            kind=session_pb2.SessionChange.KIND_SNAPSHOT,
            cursor=session.version,
            time=instant_to_proto(session.updated_at),
            state=STATES[session.state],
            answer_count=session.answer_count,
            correct_answer_count=session.correct_answer_count,
            elapsed=Duration(seconds=happened.elapsed_seconds),
            item_count=session.item_count,
            answered_item_count=session.answered_item_count,
            mastered_item_count=session.mastered_item_count,
            right_run=session.right_run,
        )
    return session_pb2.SessionChange(
        kind=_KINDS[happened.change],
        cursor=happened.sequence,
        time=instant_to_proto(happened.at),
        state=STATES[happened.state],
        answer_count=happened.answer_count,
        correct_answer_count=happened.correct_answer_count,
        elapsed=Duration(seconds=happened.elapsed_seconds),
        item_count=happened.item_count,
        answered_item_count=happened.answered_item_count,
        mastered_item_count=happened.mastered_item_count,
        right_run=happened.right_run,
    )


def kind_of(change: session_pb2.SessionChange) -> str:
    """Returns what happened as the name of an event, such as `draft_saved`."""
    return session_pb2.SessionChange.Kind.Name(change.kind).removeprefix("KIND_").lower()
