"""How the portal product's clients know an error."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from service_kit.errors import ServiceError
from service_kit.grpc.presentation import ProductError, http_status, message_of
from service_kit.grpc.product_shapes import rfc3339

_STATUSES = {"SESSION_ENDED": 400, "ITEM_NOT_FOUND": 400}
_WORDS = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    422: "idempotency_key_reused",
    429: "rate_limit_exceeded",
    503: "service_unavailable",
}


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    status = http_status(error, _STATUSES)
    body = {"error": _WORDS.get(status, "internal_error"), "message": message_of(error)}
    return ProductError(status, {**body, **_fields_of(error)})


def _fields_of(error: ServiceError) -> dict[str, Any]:
    """Returns what this product's document says of an error."""
    metadata = error.metadata
    match error.reason:
        case "SESSION_NOT_FOUND":
            session_id = metadata["session"].removeprefix("sessions/")
            return {"error": "session_not_found", "message": f"Session with ID '{session_id}' not found"}
        case "CONTENT_NOT_FOUND":
            activity_id = metadata["content"].removeprefix("activities/")
            return {"error": "activity_not_found", "message": f"Activity with ID '{activity_id}' not found"}
        case "SESSION_ENDED":
            details = {
                "session_id": metadata["session"].removeprefix("sessions/"),
                "status": metadata["state"],
                "completion_time": rfc3339(datetime.fromisoformat(metadata["end_time"])),
            }
            return {"message": f"Session already {metadata['state']}", "details": details}
        case "ITEM_NOT_FOUND":
            return {"message": "item_id is not an item of this session", "details": {"field": "item_id"}}
    if metadata.get("retry_after"):
        return {"retry_after": int(metadata["retry_after"])}
    return {"details": {"field": metadata["field"]}} if metadata.get("field") else {}
