"""What the design product's clients are answered: JSON with diagrams as they were sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from google.api.httpbody_pb2 import HttpBody

from service_kit import object_ids
from service_kit.grpc.product_shapes import rfc3339
from session_service.adapters.grpc.products.shapes import rfc3339_milliseconds
from session_service.application.ports.workspaces import Workspace
from session_service.domain.messages import Message
from session_service.domain.states import State
from session_service.domain.submission import Submission

# Of an answer that is read slowly this much waits in memory, again and again.
_PIECE_BYTES = 64 * 1024
_EPOCH = datetime.fromtimestamp(0, UTC)


# Made once: `json.dumps` makes one for each value.
_encode = json.JSONEncoder(ensure_ascii=False).encode


class _Verbatim(str):
    """JSON text to be shown as it is."""

    __slots__ = ()


# What this product calls a session's states.
STATUS_WORDS = {**{state: state.value for state in State}, State.COMPLETED: "submitted"}


def session(workspace: Workspace, email: str) -> HttpBody:
    """Returns one session."""
    return _http(_dump(_session(workspace, email)))


def text(workspace: Workspace, email: str) -> str:
    """Returns the JSON of one session."""
    return _dump(_session(workspace, email))


def pieces(part: str) -> Iterator[HttpBody]:
    """Yields a part of an answer that is sent in pieces, in some that are not large.

    With its character set named, the gateway takes it for no stream of JSON
    lines.
    """
    data = part.encode()
    for start in range(0, len(data), _PIECE_BYTES):
        yield HttpBody(
            content_type="application/json; charset=utf-8", data=data[start : start + _PIECE_BYTES]
        )


def nothing() -> HttpBody:
    """Returns the JSON null."""
    return _http("null")


def submission(submitted: Submission, email: str) -> HttpBody:
    """Returns one submission."""
    return _http(_dump(_submission(submitted, email)))


def changed_submission(message: str, submitted: Submission, email: str) -> HttpBody:
    """Returns a submission and what was done to it."""
    return _http(_dump({"message": message, "submission": _submission(submitted, email)}))


def submissions(found: Iterable[Submission], total: int, skip: int, limit: int, email: str) -> HttpBody:
    """Returns a list of submissions without diagrams."""
    listed = [_summary(each, email) for each in found]
    return _http(_dump({"total": total, "skip": skip, "limit": limit, "submissions": listed}))


def _session(workspace: Workspace, email: str) -> dict[str, Any]:
    worked = workspace.session
    started_at = rfc3339_milliseconds(worked.started_at)
    return {
        "id": object_ids.encode(worked.started_at, worked.id),
        "user_id": email,
        "problem_id": _problem_id(worked.content, worked.content_created_at),
        "diagram_data": _Verbatim(workspace.document),
        "diagram_hash": workspace.document_hash,
        "time_spent": worked.elapsed_seconds,
        "status": STATUS_WORDS[worked.state],
        "chat_messages": _chat(workspace.messages),
        "last_saved_at": rfc3339_milliseconds(worked.draft_saved_at or worked.started_at),
        "started_at": started_at,
        "ended_at": rfc3339_milliseconds(worked.ended_at) if worked.ended_at else None,
        "created_at": started_at,
        "updated_at": rfc3339_milliseconds(worked.updated_at),
    }


def _submission(submitted: Submission, email: str) -> dict[str, Any]:
    shown = _summary(submitted, email)
    feedback = submitted.feedback
    return {
        **{name: shown[name] for name in ("id", "user_id", "problem_id")},
        "diagram_data": _Verbatim(submitted.document),
        **{name: shown[name] for name in ("score", "time_spent", "status")},
        "feedback": {
            "strengths": list(feedback.strengths),
            "improvements": list(feedback.improvements),
            "missing_components": list(feedback.missing_components),
        },
        "chat_messages": _chat(submitted.messages),
        **{name: shown[name] for name in ("submitted_at", "updated_at")},
    }


def _summary(submitted: Submission, email: str) -> dict[str, Any]:
    return {
        "id": object_ids.encode(submitted.submitted_at, submitted.id),
        "user_id": email,
        "problem_id": _problem_id(submitted.content, submitted.content_created_at),
        "score": submitted.score,
        "time_spent": submitted.elapsed_seconds,
        "status": submitted.status,
        "submitted_at": rfc3339(submitted.submitted_at),
        "updated_at": rfc3339(submitted.updated_at),
    }


def _chat(messages: Iterable[Message]) -> list[dict[str, str]]:
    return [
        {"role": line.role, "content": line.content, "timestamp": rfc3339_milliseconds(line.created_at)}
        for line in messages
    ]


def _problem_id(content: str, created_at: datetime | None) -> str:
    return object_ids.encode(created_at or _EPOCH, int(content.partition("/")[2]))


def _dump(value: Any) -> str:
    if isinstance(value, _Verbatim):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_encode(key)}:{_dump(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    return _encode(value)


def _http(text: str) -> HttpBody:
    return HttpBody(content_type="application/json", data=text.encode())
