"""Errors as clients of the focus product know them."""

from __future__ import annotations

from service_kit.errors import ServiceError
from service_kit.grpc.presentation import ProductError, http_status, message_of


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    return ProductError(http_status(error), {"success": False, "message": message_of(error), "data": None})
