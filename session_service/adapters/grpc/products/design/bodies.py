"""What the design product's clients send as raw JSON, so that diagrams stay as they were written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from google.protobuf.message import Message
from practice.products.design.v1 import design_sessions_service_pb2 as pb2

from service_kit.errors import Fault, FieldsInvalidError, ServiceError
from session_service.domain import json_text
from session_service.domain.drafts import MAX_DEPTH, check_depth, content_hash
from session_service.domain.submission import COMPLETED, IN_PROGRESS

_LONGEST = 2**31 - 1
_MOST_LINES, _LONGEST_LINE = 100, 2000
_BEST = 100


@dataclass(frozen=True, slots=True)
class Autosave:
    """The diagram as JSON text and the time worked, seconds."""

    diagram: str
    time_spent: int


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """A submission to make."""

    problem_id: str
    diagram: str
    status: str


def read_autosave(data: bytes) -> Autosave:
    """Reads an autosave. Raises FieldsInvalidError, DraftInvalidError."""
    body = _Body(data)
    return Autosave(*_all([body.diagram, lambda: body.integer("time_spent", _LONGEST)]))


def read_new_submission(data: bytes) -> NewSubmission:
    """Reads a submission made by hand; its status is `in-progress` when left out."""
    body = _Body(data)
    status = body.status if body.has("status") else lambda: IN_PROGRESS
    return NewSubmission(*_all([lambda: body.text("problem_id"), body.diagram, status]))


def read_submission_changes(data: bytes) -> dict[str, Any]:
    """Reads the changes of a submission by our own names; a member that is null changes nothing."""
    body = _Body(data)
    readers = {
        "diagram_data": ("document", body.diagram),
        "score": ("score", lambda: body.integer("score", _BEST)),
        "time_spent": ("elapsed_seconds", lambda: body.integer("time_spent", _LONGEST)),
        "status": ("status", body.status),
        "feedback": ("feedback", body.feedback),
    }
    sent = dict(reader for member, reader in readers.items() if body.has(member))
    return dict(zip(sent, _all(sent.values()), strict=True))


def _all(readers: Iterable[Callable[[], Any]]) -> list[Any]:
    """Returns what each reads. Raises FieldsInvalidError with all that cannot be read."""
    values: list[Any] = []
    faults: list[Fault] = []
    for read in readers:
        try:
            values.append(read())
        except FieldsInvalidError as error:
            faults += error.faults
    if faults:
        raise FieldsInvalidError(faults)
    return values


class _Body:
    """The members of a request's JSON object."""

    def __init__(self, data: bytes) -> None:
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise _invalid("", "The body is not UTF-8") from error
        # No body has no members.
        text = text if text.strip() else "{}"
        # The diagram is one level down.
        check_depth(text, MAX_DEPTH + 1)
        try:
            self._members = json_text.members(text)
        except ValueError as error:
            most = json_text.MOST_MEMBERS
            raise _invalid("", f"The body must be a JSON object of at most {most} members") from error

    def has(self, name: str) -> bool:
        return self._members.get(name, (None, ""))[0] is not None

    def diagram(self) -> str:
        value, written = self._need("diagram_data")
        if not isinstance(value, dict):
            raise _invalid("diagram_data", "Input should be an object")
        return written

    def integer(self, name: str, most: int) -> int:
        value, _ = self._need(name)
        if not isinstance(value, json_text.Number):
            raise _invalid(name, "Input should be a valid integer")
        number = _number(value)
        # The bounds first: 1e999999 is an integer too, of a million digits.
        if number is None or not 0 <= number <= most:
            raise _invalid(name, f"Input should be between 0 and {most}")
        if number != int(number):
            raise _invalid(name, "Input should be a valid integer")
        return int(number)

    def text(self, name: str) -> str:
        value, _ = self._need(name)
        if not _is_text(value):
            raise _invalid(name, "Input should be a valid string")
        return str(value)

    def status(self) -> str:
        status = self.text("status")
        if status not in (IN_PROGRESS, COMPLETED):
            raise _invalid("status", f"Input should be '{IN_PROGRESS}' or '{COMPLETED}'", "string.in")
        return status

    def feedback(self) -> dict[str, tuple[str, ...]]:
        """Returns the lists that were sent."""
        value, _ = self._need("feedback")
        if not isinstance(value, dict):
            raise _invalid("feedback", "Input should be an object")
        return {
            name: _lines(f"feedback.{name}", value[name])
            for name in ("strengths", "improvements", "missing_components")
            if value.get(name) is not None
        }

    def _need(self, name: str) -> tuple[Any, str]:
        if name not in self._members:
            raise _invalid(name, "Field required", "required")
        return self._members[name]


def _number(written: str) -> Decimal | None:
    """Returns a number, None for one that is larger or smaller than any that can be computed with."""
    try:
        return Decimal(written)
    except InvalidOperation:
        return None


def _lines(field: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(map(_is_text, value)):
        raise _invalid(field, "Input should be a list of strings")
    if len(value) > _MOST_LINES:
        raise _invalid(field, f"List should have at most {_MOST_LINES} items", "repeated.max_items")
    if any(len(line) > _LONGEST_LINE for line in value):
        raise _invalid(field, f"A line has at most {_LONGEST_LINE} characters", "string.max_len")
    return tuple(value)


def _is_text(value: Any) -> bool:
    """Tells whether a value is text that can be kept: half of a surrogate pair cannot."""
    # A Number is a string to Python.
    if type(value) is not str:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _invalid(field: str, message: str, rule: str = "") -> FieldsInvalidError:
    return FieldsInvalidError([Fault(field, message, rule)])


_SERVICE = "/practice.products.design.v1.DesignSessionsService"


def _autosave_content(request: pb2.AutosaveSessionRequest) -> dict[str, Any]:
    body = read_autosave(request.body.data)
    return {"diagram": content_hash(body.diagram), "time_spent": body.time_spent}


def _submission_content(request: pb2.CreateSubmissionRequest) -> dict[str, Any]:
    body = read_new_submission(request.body.data)
    return {**asdict(body), "diagram": content_hash(body.diagram)}


def _changes_content(request: pb2.UpdateSubmissionRequest) -> dict[str, Any]:
    changes = read_submission_changes(request.body.data)
    if "document" in changes:
        changes["document"] = content_hash(changes["document"])
    return changes


def _reader(members: Callable[[Any], dict[str, Any]]) -> Callable[[Any], bytes]:
    def read(request: Any) -> bytes:
        try:
            content = json.dumps(members(request), sort_keys=True)
        except ServiceError:
            # It will be refused, and refusals leave no key.
            return _bytes(request)
        bare = type(request)()
        bare.CopyFrom(request)
        bare.body.data = content.encode()
        bare.body.content_type = ""
        return _bytes(bare)

    return read


def _bytes(request: Message) -> bytes:
    return request.SerializeToString(deterministic=True)


READERS = {
    f"{_SERVICE}/AutosaveSession": _reader(_autosave_content),
    f"{_SERVICE}/CreateSubmission": _reader(_submission_content),
    f"{_SERVICE}/UpdateSubmission": _reader(_changes_content),
}
