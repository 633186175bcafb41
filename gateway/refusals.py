"""What the edge says when it answers in a service's place, in words people understand.

One table of statuses; `products.py` gives them each product's shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from grpc import StatusCode

# Where edge.lua puts what is wrong with a request that cannot be read.
REASON_MARK = "@reason@"
# Where it puts the way to the field that is wrong, for products that show it.
LOCATION_MARK = "@location@"
# Where it puts the reason's place on the page of errors.
ANCHOR_MARK = "@anchor@"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status with its message, its canonical code and reason, its short name, and where."""

    status: int
    message: str
    code: StatusCode
    reason: str
    word: str
    location: str = ""


REFUSALS = (
    Refusal(
        401,
        "A valid access token is required",
        StatusCode.UNAUTHENTICATED,
        "TOKEN_INVALID",
        "unauthorized",
    ),
    Refusal(403, "Not permitted", StatusCode.PERMISSION_DENIED, "NOT_PERMITTED", "forbidden"),
    Refusal(404, "Not found", StatusCode.NOT_FOUND, "PATH_NOT_FOUND", "not_found"),
    Refusal(
        405,
        "The path does not take this method; the header Allow names those it takes",
        StatusCode.UNIMPLEMENTED,
        "METHOD_NOT_ALLOWED",
        "method_not_allowed",
    ),
    Refusal(
        408,
        "The request took too long to arrive",
        StatusCode.INVALID_ARGUMENT,
        "REQUEST_MALFORMED",
        "request_timeout",
    ),
    Refusal(413, "The request is too large", StatusCode.OUT_OF_RANGE, "REQUEST_TOO_LARGE", "too_large"),
    Refusal(
        415,
        "Only JSON over HTTP is served here",
        StatusCode.INVALID_ARGUMENT,
        "REQUEST_MALFORMED",
        "unsupported_media_type",
    ),
    Refusal(
        426,
        "HTTP/1.1 or later is required",
        StatusCode.INVALID_ARGUMENT,
        "REQUEST_MALFORMED",
        "upgrade_required",
    ),
    Refusal(
        429,
        "Too many requests; try again later",
        StatusCode.RESOURCE_EXHAUSTED,
        "RATE_LIMITED",
        "rate_limit_exceeded",
    ),
    Refusal(
        431,
        "The request's headers are too large",
        StatusCode.OUT_OF_RANGE,
        "REQUEST_TOO_LARGE",
        "headers_too_large",
    ),
    Refusal(500, "Something went wrong on our side", StatusCode.INTERNAL, "INTERNAL", "internal_error"),
    Refusal(
        501, "This is not supported here", StatusCode.UNIMPLEMENTED, "REQUEST_MALFORMED", "not_implemented"
    ),
    Refusal(
        503,
        "Service temporarily unavailable; try again",
        StatusCode.UNAVAILABLE,
        "DEPENDENCY_UNAVAILABLE",
        "service_unavailable",
    ),
    Refusal(
        504,
        "The service did not answer in time; try again",
        StatusCode.DEADLINE_EXCEEDED,
        "DEPENDENCY_UNAVAILABLE",
        "timeout",
    ),
)

MALFORMED = Refusal(
    400,
    "The request could not be read",
    StatusCode.INVALID_ARGUMENT,
    "REQUEST_MALFORMED",
    "invalid_request",
)
# A body that is no JSON, or not of this call's shape.
UNREADABLE = replace(MALFORMED, message="The request body is not the JSON this call takes")

# With room for what is wrong, and where.
EXPLAINED = replace(MALFORMED, message=REASON_MARK, location=LOCATION_MARK)
