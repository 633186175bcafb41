"""Sync as JSON, item by item: no fault in one keeps the others out."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from practice.session.v1 import sync_service_pb2 as pb2

from service_kit.errors import InvalidArgumentError, ServiceError
from session_service.offline.converters import (
    lone_answer_from_proto,
    make_unreadable,
    part_from_proto,
    session_from_proto,
)
from session_service.offline.domain import OfflineAnswer, OfflineItem, OfflineItemInvalidError, RefusedAnswer
from session_service.offline.use_cases import UnreadableItem

_MOST_ITEMS = 2_000
_LONGEST_KEY = 128
# Nothing that means something lies deeper.
_DEEPEST = 16
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)

Filled = TypeVar("Filled", bound=Message)
# A field's name, the names that JSON may give it, and what reads it.
_Field = tuple[str, tuple[str, ...], Callable[[str, Any], Any]]


@dataclass(frozen=True, slots=True)
class JsonBatch:
    """The items of a call, each still JSON; `digest` is the same however they are spelled."""

    items: list[Any]
    request_id: str
    digest: bytes

    @property
    def answer_count(self) -> int:
        """How many answers there are, right or not."""
        return sum(map(answers_in, self.items))


def read_batch(data: bytes) -> JsonBatch:
    """Reads a call. Raises InvalidArgumentError for what is no object with a list of items."""
    # A byte that is no UTF-8 becomes a character that no text may have: a fault of its item.
    text = data.decode(errors="surrogateescape")
    try:
        try:
            body = _decoder.decode(text)
        except RecursionError:
            body = _decoder.decode(_flatten(text))
    except ValueError as error:
        raise InvalidArgumentError("The request could not be read", reason="REQUEST_MALFORMED") from error
    if not isinstance(body, dict):
        raise InvalidArgumentError("The request could not be read", reason="REQUEST_MALFORMED")
    items = body.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= _MOST_ITEMS:
        raise _invalid("items", f"must be a list of 1 to {_MOST_ITEMS} items")
    key = _member(body, "request_id", "requestId")
    if key is not None and (not _is_text(key) or len(key) > _LONGEST_KEY):
        raise _invalid("request_id", f"must be a text of at most {_LONGEST_KEY} characters")
    return JsonBatch(items, key or "", _digest(items, data))


def read_item(item: Any) -> OfflineItem | UnreadableItem:
    """Returns an item of a call, or why it cannot be read. Raises nothing."""
    try:
        if not isinstance(item, dict):
            raise OfflineItemInvalidError("items", "An item is an object with a session or an answer")
        session, answer = item.get("session"), item.get("answer")
        if (session is None) == (answer is None):
            raise OfflineItemInvalidError("items", "An item is a session or an answer")
        if session is None:
            return lone_answer_from_proto(_fill(pb2.OfflineAnswer, "answer", answer))
        message = _fill(pb2.OfflineSession, "session", session)
        return session_from_proto(message, map(_read_part, _answers(session)))
    except ServiceError as error:
        return make_unreadable(_id_in(item), error)


def _read_part(answer: Any) -> OfflineAnswer | RefusedAnswer:
    try:
        return part_from_proto(_fill(pb2.OfflineAnswer, "answers", answer))
    except ServiceError as error:
        return RefusedAnswer.of(_text_of(answer, "answer_id", "answerId"), error.reason)


def _fill(kind: type[Filled], name: str, value: Any) -> Filled:
    """Returns a message with the members of an object; those nobody knows are left alone.

    Raises OfflineItemInvalidError that names the member for a value of the
    wrong type.
    """
    if not isinstance(value, dict):
        raise OfflineItemInvalidError(name, f"{name} must be an object")
    members: dict[str, Any] = {}
    for field, names, read in _FIELDS[kind]:
        given = _member(value, *names)
        if given is not None:
            members[field] = read(field, given)
    return kind(**members)


def _text(name: str, value: Any) -> str:
    if not _is_text(value):
        raise OfflineItemInvalidError(name, f"{name} must be a text of whole characters")
    return str(value)


def _number(name: str, value: Any) -> float:
    # Like all of protobuf's JSON, a number may come as text.
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if not isinstance(value, float) or not math.isfinite(value):
        raise OfflineItemInvalidError(name, f"{name} must be a number")
    return value


def _fields_of(kind: type[Message]) -> list[_Field]:
    """Returns the plain fields of a message."""
    return [
        (
            field.name,
            tuple(dict.fromkeys((field.name, field.json_name))),
            _number if field.type == FieldDescriptor.TYPE_DOUBLE else _text,
        )
        for field in kind.DESCRIPTOR.fields
        if field.type != FieldDescriptor.TYPE_MESSAGE
    ]


# Asked for once: descriptors tell slowly.
_FIELDS: dict[type[Message], list[_Field]] = {
    kind: _fields_of(kind) for kind in (pb2.OfflineSession, pb2.OfflineAnswer)
}


def _answers(session: dict[str, Any]) -> list[Any]:
    answers = session.get("answers")
    if answers is not None and not isinstance(answers, list):
        raise OfflineItemInvalidError("answers", "answers must be a list")
    return answers or []


def answers_in(item: Any) -> int:
    """Returns how many answers an item has, right or not."""
    if not isinstance(item, dict):
        return 0
    session = item.get("session")
    answers = session.get("answers") if isinstance(session, dict) else None
    return (len(answers) if isinstance(answers, list) else 0) + (item.get("answer") is not None)


def _id_in(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    session_id = _text_of(item.get("session"), "client_id", "clientId")
    return session_id or _text_of(item.get("answer"), "answer_id", "answerId")


def _text_of(value: Any, *names: str) -> str:
    """Returns a member that is a text, an empty one for anything else."""
    found = _member(value, *names) if isinstance(value, dict) else None
    return str(found) if _is_text(found) else ""


def _member(value: dict[str, Any], *names: str) -> Any:
    for name in names:
        found = value.get(name)
        if found is not None:
            return found
    return None


def _is_text(value: Any) -> bool:
    """Tells whether a value is text that can be kept: half of a surrogate pair cannot."""
    return isinstance(value, str) and (
        value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)
    )


def _digest(items: list[Any], data: bytes) -> bytes:
    try:
        text = json.dumps(items, sort_keys=True)
    except RecursionError:
        return hashlib.sha256(data).digest()
    return hashlib.sha256(text.encode()).digest()


def _flatten(text: str) -> str:
    """Returns JSON text with an empty list for what is nested deeper than anything that means something."""
    parts: list[str] = []
    depth = kept = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == _DEEPEST + 1:
                parts.append(text[kept : token.start()] + "[]")
        elif token[0] in "]}":
            if depth == _DEEPEST + 1:
                kept = token.end()
            depth -= 1
    if depth > _DEEPEST:
        raise ValueError("the text ends within an object or a list")
    return "".join([*parts, text[kept:]])


# No number here needs more than a double, and none is too long to be read as one.
_decoder = json.JSONDecoder(parse_int=float, parse_float=float)


def _invalid(field: str, problem: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{field}: {problem}", reason="FIELD_INVALID", field=field)
