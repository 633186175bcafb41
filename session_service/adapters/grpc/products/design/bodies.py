"""What the design product's clients send as raw JSON, so that diagrams stay as they were written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from google.protobuf.message import Message

from service_kit.errors import Fault, FieldsInvalidError, ServiceError
from service_kit.grpc.guards import RawReader
from session_service.domain import json_text
from session_service.domain.drafts import (
    MAX_BYTES,
    MAX_DEPTH,
    Draft,
    StoredDraft,
    check_depth,
    draft_of,
    read_plain_draft,
)
from session_service.domain.submission import COMPLETED, IN_PROGRESS

_LONGEST = 2**31 - 1
_MOST_LINES, _LONGEST_LINE = 100, 2000
_BEST = 100
# More than a diagram's own members and white space take: of more all is read at once.
_MOST_AROUND = 4096


@dataclass(frozen=True, slots=True)
class Autosave:
    """The diagram and the time worked, seconds; `stored` says that the text is the stored one."""

    diagram: Draft
    time_spent: int
    stored: bool = False


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """A submission to make."""

    problem_id: str
    diagram: Draft
    status: str


def read_autosave(data: bytes) -> Autosave:
    """Reads an autosave. Raises FieldsInvalidError, DraftInvalidError."""
    return read_plain_autosave(data) or read_any_autosave(data)


def read_plain_autosave(
    data: bytes, stored: StoredDraft | None = None, *, most: int = MAX_BYTES
) -> Autosave | None:
    """Reads an autosave of the diagram that is stored already, to the byte, or of one in browsers' spelling.

    Returns None of any other, and of a new diagram of over `most` bytes. Only
    what is around the diagram is parsed here: an object in its place is the same
    object, whatever is in it.
    """
    name = data.find(b'"diagram_data"')
    start, end = data.find(b"{", name), data.rfind(b"}", 0, data.rfind(b"}")) + 1
    if not 0 < name < start < end or start + len(data) - end > _MOST_AROUND:
        return None
    diagram = data[start:end]
    try:
        body = _Body(data[:start] + b"{}" + data[end:])
        if body.start("diagram_data") != len(data[:start].decode()):
            return None
        time_spent = body.time_spent()
    except (UnicodeDecodeError, ServiceError):
        # What is wrong is told by who reads all.
        return None
    if stored is not None and stored.is_text(diagram):
        return Autosave(Draft(diagram.decode(), stored.content_hash), time_spent, stored=True)
    draft = read_plain_draft(diagram) if len(diagram) <= most else None
    return None if draft is None else Autosave(draft, time_spent)


def read_any_autosave(data: bytes) -> Autosave:
    """Reads an autosave by the letter. Raises FieldsInvalidError, DraftInvalidError."""
    body = _Body(data)
    diagram, time_spent = _all([body.diagram, body.time_spent])
    return Autosave(draft_of(*diagram), time_spent)


def read_new_submission(data: bytes) -> NewSubmission:
    """Reads a submission made by hand; its status is `in-progress` when left out."""
    body = _Body(data)
    status = body.status if body.has("status") else lambda: IN_PROGRESS
    problem_id, diagram, status = _all([lambda: body.text("problem_id"), body.diagram, status])
    return NewSubmission(problem_id, draft_of(*diagram), status)


def read_submission_changes(data: bytes) -> dict[str, Any]:
    """Reads the changes of a submission by our own names; a member that is null changes nothing."""
    body = _Body(data)
    readers = {
        "diagram_data": ("document", body.diagram),
        "score": ("score", lambda: body.integer("score", _BEST)),
        "time_spent": ("elapsed_seconds", body.time_spent),
        "status": ("status", body.status),
        "feedback": ("feedback", body.feedback),
    }
    sent = dict(reader for member, reader in readers.items() if body.has(member))
    changes = dict(zip(sent, _all(sent.values()), strict=True))
    if "document" in changes:
        changes["document"] = draft_of(*changes["document"])
    return changes


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
        check_depth(data, MAX_DEPTH + 1)
        try:
            self._members = json_text.members(text)
        except ValueError as error:
            most = json_text.MOST_MEMBERS
            raise _invalid("", f"The body must be a JSON object of at most {most} members") from error

    def has(self, name: str) -> bool:
        return name in self._members and self._members[name].value is not None

    def start(self, name: str) -> int:
        """Returns where a member's value begins."""
        return self._need(name).start

    def diagram(self) -> tuple[Any, str]:
        """Returns the diagram as it was read and as it was written."""
        value, written, _ = self._need("diagram_data")
        if not isinstance(value, dict):
            raise _invalid("diagram_data", "Input should be an object")
        return value, written

    def time_spent(self) -> int:
        return self.integer("time_spent", _LONGEST)

    def integer(self, name: str, most: int) -> int:
        value = self._need(name).value
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
        value = self._need(name).value
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
        value = self._need("feedback").value
        if not isinstance(value, dict):
            raise _invalid("feedback", "Input should be an object")
        return {
            name: _lines(f"feedback.{name}", value[name])
            for name in ("strengths", "improvements", "missing_components")
            if value.get(name) is not None
        }

    def _need(self, name: str) -> json_text.Member:
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


def _autosave_content(body: Autosave) -> dict[str, Any]:
    return {"diagram": body.diagram.content_hash, "time_spent": body.time_spent}


def _submission_content(body: NewSubmission) -> dict[str, Any]:
    return {"problem_id": body.problem_id, "diagram": body.diagram.content_hash, "status": body.status}


def _changes_content(changes: dict[str, Any]) -> dict[str, Any]:
    if "document" not in changes:
        return changes
    return {**changes, "document": changes["document"].content_hash}


def _reader(read: Callable[[bytes], Any], members: Callable[[Any], dict[str, Any]]) -> RawReader:
    def read_request(request: Any) -> tuple[bytes, Any]:
        try:
            body = read(request.body.data)
        except ServiceError:
            # It will be refused, and refusals leave no key.
            return _bytes(request), None
        bare = type(request)()
        bare.CopyFrom(request)
        bare.body.data = json.dumps(members(body), sort_keys=True).encode()
        bare.body.content_type = ""
        return _bytes(bare), body

    return read_request


def _bytes(request: Message) -> bytes:
    return request.SerializeToString(deterministic=True)


READERS = {
    f"{_SERVICE}/AutosaveSession": _reader(read_autosave, _autosave_content),
    f"{_SERVICE}/CreateSubmission": _reader(read_new_submission, _submission_content),
    f"{_SERVICE}/UpdateSubmission": _reader(read_submission_changes, _changes_content),
}
