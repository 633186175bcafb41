"""How the focus product's clients know an error."""

from __future__ import annotations

from service_kit.errors import ServiceError
from service_kit.grpc.presentation import ProductError, http_status, message_of

_MESSAGES = {
    "SESSION_NOT_FOUND": "focus session not found",
    "SESSION_ALREADY_OPEN": "a focus session is already active or paused",
    "SESSION_ENDED": "focus session has already ended",
}


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    message = _MESSAGES.get(error.reason) or message_of(error)
    return ProductError(http_status(error), {"success": False, "message": message, "data": None})
