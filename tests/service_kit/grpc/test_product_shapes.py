"""Shapes that products of more than one service show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from service_kit.errors import InvalidArgumentError, NotFoundError
from service_kit.grpc.product_shapes import rfc3339, validation_details


def invalid(message: str, **metadata: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, reason="FIELD_INVALID", **metadata)


def test_an_instant_is_shown_in_utc_whole_seconds_down() -> None:
    east = timezone(timedelta(hours=5, minutes=30))

    assert rfc3339(datetime(2026, 2, 18, 13, 30, 0, 999_999, tzinfo=east)) == "2026-02-18T08:00:00Z"
    assert rfc3339(datetime(2026, 2, 18, 8, tzinfo=UTC)) == "2026-02-18T08:00:00Z"


@pytest.mark.parametrize(
    ("error", "loc", "message", "kind"),
    [
        (
            invalid("title: value is required", field="title", rule="required"),
            ["body", "title"],
            "Field required",
            "missing",
        ),
        (
            invalid("limit: must be 1", field="limit", rule="int32.gte_lte"),
            ["query", "limit"],
            "must be 1",
            "value_error",
        ),
        (
            invalid("title: too long", field="title", rule="string.max_len"),
            ["body", "title"],
            "too long",
            "string_too_long",
        ),
        (
            invalid("a.b: bad", field="a.b", rule="string.in"),
            ["body", "a", "b"],
            "bad",
            "enum",
        ),
        (invalid("Text cannot hold U+0000"), ["body"], "Text cannot hold U+0000", "value_error"),
        (
            invalid("too long", field="idempotency-key"),
            ["header", "idempotency-key"],
            "too long",
            "value_error",
        ),
    ],
)
def test_an_invalid_field_is_told_with_its_place(
    error: InvalidArgumentError, loc: list[str], message: str, kind: str
) -> None:
    assert validation_details(error, {"limit"}) == [{"loc": loc, "msg": message, "type": kind}]


def test_another_kind_of_error_has_no_details() -> None:
    assert validation_details(NotFoundError("no", reason="CONTENT_NOT_FOUND", field="title")) is None
