"""What a refused handshake answers: the portal's JSON."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import grpc
from websockets.datastructures import Headers
from websockets.http11 import Response

from gateway.products import error_and_message
from gateway.refusals import REFUSALS

# Tells the gateway that the body is the product's already.
STATUS_HEADER = "X-Practice-Status"
REASON_HEADER = "X-Practice-Reason"
_TABLE = {refusal.status: refusal for refusal in REFUSALS}
_BY_CODE = {
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.NOT_FOUND: 404,
    # Somebody else's session, or an id that no session has: nobody need know which.
    grpc.StatusCode.PERMISSION_DENIED: 404,
    grpc.StatusCode.INVALID_ARGUMENT: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 503,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 503,
    grpc.StatusCode.CANCELLED: 503,
}
_LONGEST_ID = 64


class RefusedError(Exception):
    """A handshake that is refused, with its HTTP response."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def answer(status: int, body: dict[str, Any], **headers: str) -> Response:
    """Returns a response with a JSON body that ends the connection."""
    data = json.dumps(body, separators=(",", ":")).encode()
    fields = Headers(headers)
    fields["Content-Type"] = "application/json"
    fields["Content-Length"] = str(len(data))
    fields["Connection"] = "close"
    return Response(status, HTTPStatus(status).phrase, fields, data)


def refusal(status: int) -> RefusedError:
    """Returns a refusal in the words that the gateway has for the status."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    row = _TABLE[status]
    return _refusal(status, row.reason, error_and_message(row), **headers)


def session_not_found(session_id: str) -> RefusedError:
    """Returns the 404 of a session that is not there, or not this learner's."""
    message = f"Session with ID '{session_id[:_LONGEST_ID]}' not found"
    return _refusal(404, "SESSION_NOT_FOUND", {"error": "session_not_found", "message": message})


def too_many_of_one(limit: int, retry_after: int) -> RefusedError:
    """Returns the 429 of a learner or address with `limit` connections. `retry_after` is in seconds."""
    body = {"error": _TABLE[429].word, "message": "Too many live connections", "retry_after": retry_after}
    headers = {
        "Retry-After": str(retry_after),
        "RateLimit-Policy": f'"live connections";q={limit};qu="concurrent-requests"',
        "RateLimit": f'"live connections";r=0;t={retry_after}',
    }
    return _refusal(429, _TABLE[429].reason, body, **headers)


def from_service(code: grpc.StatusCode, session_id: str) -> RefusedError:
    """Returns what the session service's refusal means to the client."""
    status = _BY_CODE.get(code, 500)
    return session_not_found(session_id) if status == 404 else refusal(status)


def _refusal(status: int, reason: str, body: dict[str, Any], **headers: str) -> RefusedError:
    told = {STATUS_HEADER: str(status), REASON_HEADER: reason, **headers}
    return RefusedError(answer(status, body, **told))
