"""Between the messages of sync and domain values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from google.protobuf.message import Message
from practice.session.v1 import sync_service_pb2 as pb2

from service_kit.errors import ServiceError
from service_kit.grpc.statuses import error_to_proto
from session_service.domain.states import State
from session_service.offline.domain import (
    ItemResult,
    OfflineAnswer,
    OfflineItem,
    OfflineItemInvalidError,
    OfflineSession,
    RefusedAnswer,
    SyncOutcome,
    client_id_of,
)
from session_service.offline.use_cases import UnreadableItem

_SESSION = re.compile(r"sessions/([1-9][0-9]{0,17})", re.ASCII)
_ENDS = {state.value: state for state in (State.COMPLETED, State.PARTIAL, State.ABANDONED)}
# The day and the time apart: what else Python reads as a time is no RFC 3339.
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_MOST_SECONDS = 2**31 - 1
_LONGEST_ID = 64

_OUTCOMES = {
    SyncOutcome.MERGED: pb2.SyncResult.OUTCOME_MERGED,
    SyncOutcome.ALREADY_KNOWN: pb2.SyncResult.OUTCOME_ALREADY_KNOWN,
    SyncOutcome.REFUSED: pb2.SyncResult.OUTCOME_REFUSED,
    SyncOutcome.CONFLICT: pb2.SyncResult.OUTCOME_CONFLICT,
}


def item_from_proto(item: pb2.SyncItem) -> OfflineItem | UnreadableItem:
    """Returns an item of a call, or why it cannot be read. Raises nothing."""
    session, answer = item.session, item.answer
    try:
        if item.HasField("session") == item.HasField("answer"):
            raise OfflineItemInvalidError("items", "An item is a session or an answer")
        if item.HasField("session"):
            return session_from_proto(session, map(part_from_proto, session.answers))
        return lone_answer_from_proto(answer)
    except ServiceError as error:
        return make_unreadable(session.client_id or answer.answer_id, error)


def make_unreadable(client_id: str, error: ServiceError) -> UnreadableItem:
    """Returns an item of which only the id may be known."""
    return UnreadableItem(client_id[:_LONGEST_ID], error)


def session_from_proto(
    session: pb2.OfflineSession, answers: Iterable[OfflineAnswer | RefusedAnswer]
) -> OfflineSession:
    """Returns a session with its answers, not those in the message. Raises OfflineItemInvalidError."""
    outcome = _ENDS.get(session.outcome)
    if outcome is None:
        raise OfflineItemInvalidError("outcome", f"outcome must be one of: {', '.join(_ENDS)}")
    return OfflineSession(
        client_id=client_id_of("client_id", session.client_id),
        product=session.product,
        mode=session.mode,
        content=session.content,
        planned_seconds=_whole_seconds(session, "planned_seconds"),
        started_at=_instant("start_time", session.start_time),
        ended_at=_instant("end_time", session.end_time),
        time_zone=session.time_zone,
        elapsed_seconds=_whole_seconds(session, "elapsed_seconds"),
        outcome=outcome,
        note=session.note,
        answers=tuple(answers),
    )


def part_from_proto(answer: pb2.OfflineAnswer) -> OfflineAnswer | RefusedAnswer:
    """Returns an answer of a session, or that it cannot be read. Raises nothing."""
    try:
        number = _session_number(answer.session) if answer.session else None
        return _answer_from_proto(answer, number)
    except ServiceError as error:
        return RefusedAnswer.of(answer.answer_id, error.reason)


def lone_answer_from_proto(answer: pb2.OfflineAnswer) -> OfflineAnswer:
    """Returns an answer that is an item of its own. Raises OfflineItemInvalidError."""
    return _answer_from_proto(answer, _session_number(answer.session))


def _answer_from_proto(answer: pb2.OfflineAnswer, session_id: int | None) -> OfflineAnswer:
    taken = answer.time_taken_seconds if answer.HasField("time_taken_seconds") else None
    return OfflineAnswer(
        answer_id=client_id_of("answer_id", answer.answer_id),
        session_id=session_id,
        item=answer.item,
        text=answer.text,
        answered_at=_instant("answer_time", answer.answer_time),
        time_taken=taken,
    )


def _session_number(name: str) -> int:
    match = _SESSION.fullmatch(name)
    if match is None:
        raise OfflineItemInvalidError("session", "session must be sessions/{number}")
    return int(match[1])


def _instant(field: str, text: str) -> datetime:
    if _TIME.fullmatch(text) is not None:
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise OfflineItemInvalidError(field, f"{field} must be a time such as 2026-02-18T08:00:00Z")


def _whole_seconds(message: Message, field: str) -> int | None:
    if not message.HasField(field):
        return None
    value: float = getattr(message, field)
    if not math.isfinite(value) or value != int(value) or not 0 <= value <= _MOST_SECONDS:
        raise OfflineItemInvalidError(field, f"{field} must be whole seconds from 0 to {_MOST_SECONDS}")
    return int(value)


def result_to_proto(result: ItemResult) -> pb2.SyncResult:
    """Returns what became of an item."""
    message = pb2.SyncResult(
        client_id=result.client_id,
        outcome=_OUTCOMES[result.outcome],
        session=f"sessions/{result.session_id}" if result.session_id else "",
        refused_answers=[
            pb2.RefusedAnswer(answer_id=answer.answer_id, reason=answer.reason)
            for answer in result.refused_answers
        ],
    )
    if result.refusal is not None:
        message.error.CopyFrom(error_to_proto(result.refusal.as_error()))
    return message
