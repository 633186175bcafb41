"""What the portal product's clients send as raw JSON, so that integers stay what they are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from practice.products.portal.v1 import portal_service_pb2 as pb2

from service_kit.errors import InvalidArgumentError, ServiceError
from session_service.adapters.grpc.converters import check_settings
from session_service.adapters.grpc.products.shapes import parse_number
from session_service.domain.drafts import check_depth
from session_service.domain.errors import DraftInvalidError

_METHOD = "/practice.products.portal.v1.PortalService/StartSession"
_LARGEST = 64 * 1024
_DEEPEST = 32
# Far longer than any number means something, and quick to read.
_MOST_DIGITS = 1_000


@dataclass(frozen=True, slots=True)
class Start:
    """Which activity to practise, and how."""

    activity_id: int
    settings: Mapping[str, Any]


def read_start(data: bytes) -> Start:
    """Reads a start. Raises InvalidArgumentError."""
    body = _object(data)
    settings = body.get("settings")
    if settings is None:
        settings = {}
    if not isinstance(settings, dict):
        raise _invalid("settings", "must be an object")
    check_settings(settings)
    return Start(_activity(body.get("activity_id")), settings)


def _object(data: bytes) -> dict[str, Any]:
    try:
        text = data.decode()
        if len(text) > _LARGEST:
            raise ValueError("no start is as long")
        # No body has no members.
        text = text if text.strip() else "{}"
        check_depth(data, _DEEPEST)
        body = _decoder.decode(text)
    except (ValueError, DraftInvalidError) as error:
        raise _unreadable() from error
    if not isinstance(body, dict):
        raise _unreadable()
    return body


def _activity(value: Any) -> int:
    """Returns the activity's number, which may come as text or with a fraction of nothing."""
    if value is None:
        raise _invalid("activity_id", "is required", rule="required")
    if isinstance(value, str):
        value = parse_number(value)
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise _invalid("activity_id", "must be the number of an activity")
    return value


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise _out_of_range()
    return int(text)


def _fraction(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _out_of_range()
    return number


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_int=_integer, parse_float=_fraction, parse_constant=_refuse_constant)


def _out_of_range() -> InvalidArgumentError:
    return InvalidArgumentError("A number is out of range", reason="FIELD_INVALID")


def _unreadable() -> InvalidArgumentError:
    return InvalidArgumentError("The request could not be read", reason="REQUEST_MALFORMED")


def _invalid(field: str, problem: str, rule: str = "") -> InvalidArgumentError:
    return InvalidArgumentError(f"{field}: {problem}", reason="FIELD_INVALID", field=field, rule=rule)


def _content(request: pb2.StartSessionRequest) -> tuple[bytes, Any]:
    try:
        start = read_start(request.body.data)
    except ServiceError:
        # It will be refused, and refusals leave no key.
        return bytes(request.body.data), None
    return json.dumps([start.activity_id, start.settings], sort_keys=True).encode(), start


# To tell a repeat from another request, however they are spelled.
READERS = {_METHOD: _content}
