"""Converts errors to the design product's shape."""

from __future__ import annotations

from service_kit.errors import ServiceError
from service_kit.grpc.presentation import ProductError, http_status
from service_kit.grpc.product_shapes import validation_details

_IN_QUERY = frozenset({"q", "skip", "limit"})


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    details = validation_details(error, _IN_QUERY)
    if details is not None:
        return ProductError(422, {"detail": details})
    return ProductError(http_status(error), {"detail": error.message})
