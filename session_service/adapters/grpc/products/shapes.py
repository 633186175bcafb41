"""Shapes that more than one product shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import grpc
from google.protobuf.struct_pb2 import NullValue, Value

from service_kit.errors import ServiceError
from service_kit.grpc.statuses import code_of
from session_service.domain.errors import ContentNotFoundError

# Eighteen digits always fit 64 bits.
_LARGEST_NUMBER = 10**18 - 1

_BY_CODE = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.FAILED_PRECONDITION: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
}
# The same for every product.
_BY_REASON = {"IDEMPOTENCY_KEY_REUSED": 422}


def http_status(error: ServiceError, by_reason: Mapping[str, int]) -> int:
    """Returns the HTTP status of an error: the product's own, else its category's."""
    statuses = {**_BY_REASON, **by_reason}
    return statuses.get(error.reason) or _BY_CODE.get(code_of(error), 500)


def content_name(kind: str, number: int) -> str:
    """Returns such as `activities/123`. Raises ContentNotFoundError for a number that none can have."""
    name = f"{kind}/{number}"
    if not 0 < number <= _LARGEST_NUMBER:
        raise ContentNotFoundError(name)
    return name


def rfc3339(instant: datetime) -> str:
    """Returns `2026-02-18T08:00:00Z`."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def rfc3339_milliseconds(instant: datetime) -> str:
    """Returns `2025-11-28T10:30:00.000Z`."""
    utc = instant.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def nullable(text: str | None) -> Value:
    """Returns a text, or the JSON null that an absent field would not show."""
    if text is None:
        return Value(null_value=NullValue.NULL_VALUE)
    return Value(string_value=text)
