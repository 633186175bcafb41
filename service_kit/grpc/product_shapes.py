"""Shapes that products of more than one service show."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from service_kit.errors import ServiceError

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
    field = error.metadata.get("field", "")
    place = "header" if field in _HEADERS else "query" if field in query else "body"
    rule = error.metadata.get("rule", "")
    message = "Field required" if rule == "required" else error.message.removeprefix(f"{field}: ")
    loc = [place, *field.split(".")] if field else [place]
    return [{"loc": loc, "msg": message, "type": _TYPES.get(rule, "value_error")}]
