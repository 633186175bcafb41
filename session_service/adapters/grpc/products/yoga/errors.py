"""How the yoga product's clients know an error."""

from __future__ import annotations

from service_kit.errors import ServiceError
from service_kit.grpc.presentation import ProductError, http_status
from service_kit.grpc.product_shapes import validation_details
from session_service.domain.errors import ContentNotFoundError, SessionNotFoundError

_IN_QUERY = frozenset({"limit", "offset", "month"})


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    details = validation_details(error, _IN_QUERY)
    if details is not None:
        return ProductError(422, {"detail": details})
    match error:
        case SessionNotFoundError(foreign=True):
            return ProductError(403, {"detail": "Not authorized to access this session"})
        case SessionNotFoundError():
            return ProductError(404, {"detail": "Session not found"})
        case ContentNotFoundError():
            return ProductError(404, {"detail": "Sequence not found"})
    return ProductError(http_status(error), {"detail": error.message})
