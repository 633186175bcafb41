"""Shapes that more than one product shows."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from google.protobuf.struct_pb2 import NullValue, Value

from session_service.domain.errors import ContentNotFoundError

# Eighteen digits always fit 64 bits.
_LARGEST_NUMBER = 10**18 - 1
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def parse_number(text: str) -> int | None:
    """Returns the number that a text names something by, None for a text that can name nothing."""
    return int(text) if _NUMBER.fullmatch(text) else None


def content_name(kind: str, number: int) -> str:
    """Returns such as `activities/123`. Raises ContentNotFoundError for a number that none can have."""
    name = f"{kind}/{number}"
    if not 0 < number <= _LARGEST_NUMBER:
        raise ContentNotFoundError(name)
    return name


def rfc3339_milliseconds(instant: datetime) -> str:
    """Returns `2025-11-28T10:30:00.000Z`."""
    return f"{instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def nullable(text: str | None) -> Value:
    """Returns a text, or the JSON null that an absent field would not show."""
    if text is None:
        return Value(null_value=NullValue.NULL_VALUE)
    return Value(string_value=text)
