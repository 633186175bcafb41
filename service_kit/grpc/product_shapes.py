"""Shapes that the products' responses share: times, and the details of validation errors."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from service_kit.errors import Fault, FieldsInvalidError, ServiceError

# Reasons for which a request can never be read as it is.
_UNREADABLE = frozenset({"FIELD_INVALID", "PASSWORD_TOO_COMMON"})
_HEADERS = frozenset({"idempotency-key"})

_TYPES = {
    "required": "missing",
    "string.min_len": "string_too_short",
    "string.max_len": "string_too_long",
    "string.in": "enum",
    "repeated.min_items": "too_short",
    "repeated.max_items": "too_long",
}


def rfc3339(instant: datetime) -> str:
    """Returns `2026-02-18T08:00:00Z`."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def validation_details(error: ServiceError, query: Collection[str] = ()) -> list[dict[str, Any]] | None:
    """Returns what is wrong with a field as `{"loc", "msg", "type"}`, None for another kind of error.

    `query` names the fields that come in the query; the others are in the body.
    """
    if error.reason not in _UNREADABLE:
        return None
    if isinstance(error, FieldsInvalidError):
        return [_detail(fault, query) for fault in error.faults]
    field = error.metadata.get("field", "")
    words = error.message.removeprefix(f"{field}: ")
    return [_detail(Fault(field, words, error.metadata.get("rule", "")), query)]


def _detail(fault: Fault, query: Collection[str]) -> dict[str, Any]:
    field, rule = fault.field, fault.rule
    place = "header" if field in _HEADERS else "query" if field in query else "body"
    message = "Field required" if rule == "required" else fault.words
    loc = [place, *field.split(".")] if field else [place]
    return {"loc": loc, "msg": message, "type": _TYPES.get(rule, "value_error")}
