"""The products at the edge: where their paths begin and what their errors look like.

A new product is one row of PRODUCTS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from gateway.canonical_errors import Body, anchor_of, error_body, error_info, help_link
from gateway.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Product:
    """A product's path prefixes, its error body and its status for a request that cannot be read."""

    name: str
    prefixes: tuple[str, ...]
    error_body: Callable[[Refusal], Body]
    malformed_status: int = 400


def detail(refusal: Refusal) -> Body:
    """`{"detail": "..."}`."""
    return {"detail": refusal.message}


def detail_list(refusal: Refusal) -> Body:
    """`{"detail": [...]}` for what cannot be read, `{"detail": "..."}` otherwise."""
    if refusal.status != 422:
        return detail(refusal)
    return {"detail": [{"loc": refusal.location or ["body"], "msg": refusal.message, "type": "value_error"}]}


def envelope(refusal: Refusal) -> Body:
    """`{"success": false, "message": "...", "data": null}`."""
    return {"success": False, "message": refusal.message, "data": None}


def error_and_message(refusal: Refusal) -> Body:
    """`{"error": "...", "message": "..."}`."""
    return {"error": refusal.word, "message": refusal.message}


PRODUCTS = (
    Product("exercises", ("/exercises/", "/api/exercises/"), detail),
    Product("portal", ("/portal/",), error_and_message),
    Product("yoga", ("/yoga/",), detail_list, malformed_status=422),
    Product("focus", ("/focus/",), envelope),
    Product("design", ("/design/",), detail_list, malformed_status=422),
)


def canonical(errors_url: str) -> Product:
    """Returns everything outside the products: `/v1`, and what nobody serves."""

    def error(refusal: Refusal) -> Body:
        details = (error_info(refusal.reason), help_link(errors_url, anchor_of(refusal.reason)))
        return error_body(refusal.status, refusal.message, refusal.code, details)

    return Product("canonical", ("/",), error)


def operators(errors_url: str) -> Product:
    """Returns everything at the operators' listener: it asks for the internal token, no access token."""
    product = canonical(errors_url)
    asks = "The platform's internal token is required in x-practice-internal"

    def error(refusal: Refusal) -> Body:
        asked = refusal.status == HTTPStatus.UNAUTHORIZED
        return product.error_body(replace(refusal, message=asks) if asked else refusal)

    return replace(product, error_body=error)
