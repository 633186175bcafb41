"""How the exercises product's clients know an error."""

from __future__ import annotations

from service_kit.errors import ServiceError
from service_kit.grpc.presentation import ProductError, http_status, message_of

_STATUSES = {"SESSION_ENDED": 400}


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    return ProductError(http_status(error, _STATUSES), {"detail": _detail(error)})


def _detail(error: ServiceError) -> str:
    if error.reason == "MODE_UNKNOWN":
        return f"Invalid session_type. Must be one of: {error.metadata['allowed']}"
    return {
        "SESSION_NOT_FOUND": "Session not found or does not belong to user",
        "SESSION_ENDED": "Session is already completed",
        "ITEM_NOT_FOUND": "Exercise not found",
    }.get(error.reason) or message_of(error)
