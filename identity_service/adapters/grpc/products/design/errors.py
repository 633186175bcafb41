"""Converts errors to the design product's shape."""

from __future__ import annotations

from identity_service.domain.errors import RefreshTokenInvalidError
from service_kit.errors import ServiceError
from service_kit.grpc.presentation import ProductError, http_status
from service_kit.grpc.product_shapes import validation_details

_STATUSES = {"EMAIL_TAKEN": 400}
_DETAILS = {
    "EMAIL_TAKEN": "User already exists",
    "CREDENTIALS_INVALID": "Invalid credentials",
    "ACCOUNT_NOT_FOUND": "User not found",
}


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    details = validation_details(error)
    if details is not None:
        return ProductError(422, {"detail": details})
    if isinstance(error, RefreshTokenInvalidError):
        return ProductError(401, {"detail": "Invalid or expired refresh token"})
    return ProductError(http_status(error, _STATUSES), {"detail": _DETAILS.get(error.reason, error.message)})
