"""What a refused handshake answers: the portal's JSON."""

from __future__ import annotations

import json
from typing import Any

import grpc
from websockets.datastructures import Headers
from websockets.http11 import Response

from gateway.products import error_and_message
from gateway.refusals import REFUSALS

# Tells the gateway that the body is the product's already.
STATUS_HEADER = "X-Practice-Status"
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


def answer(status: int, body: dict[str, Any], **headers: str) -> Response:
    """Returns a response with a JSON body that ends the connection."""
    data = json.dumps(body, separators=(",", ":")).encode()
    fields = Headers(headers)
    fields["Content-Type"] = "application/json"
    fields["Content-Length"] = str(len(data))
    fields["Connection"] = "close"
    return Response(status, "", fields, data)


def refuse(status: int, **headers: str) -> Response:
    """Returns the portal's words for a status."""
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return answer(status, error_and_message(_TABLE[status]), **{STATUS_HEADER: str(status), **headers})


def session_not_found(session_id: str) -> Response:
    """Returns the 404 of a session that is not there, or not this person's."""
    message = f"Session with ID '{session_id[:_LONGEST_ID]}' not found"
    return answer(404, {"error": "session_not_found", "message": message}, **{STATUS_HEADER: "404"})


def too_many_of_one(retry_after: int) -> Response:
    """Returns the 429 of a person who listens too often at once. `retry_after` is in seconds."""
    body = {
        "error": _TABLE[429].word,
        "message": "Too many live connections",
        "retry_after": retry_after,
    }
    return answer(429, body, **{STATUS_HEADER: "429", "Retry-After": str(retry_after)})


def from_service(error: grpc.aio.AioRpcError, session_id: str) -> Response:
    """Returns what the session service's refusal means to the client."""
    status = _BY_CODE.get(error.code(), 500)
    return session_not_found(session_id) if status == 404 else refuse(status)
