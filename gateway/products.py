"""The products at the edge: where their paths begin and what their errors look like.

A new product is one row of PRODUCTS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from gateway.refusals import Refusal

Body = dict[str, Any]


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


def canonical(refusal: Refusal) -> Body:
    """google.rpc.Status with one ErrorInfo, as every error outside a product (AIP-193)."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": refusal.reason,
        "domain": "practice",
        "metadata": {},
    }
    return {"code": refusal.code.value[0], "message": refusal.message, "details": [info]}


def operators(refusal: Refusal) -> Body:
    """The canonical error, which asks for the internal token instead of an access token."""
    asks = "The platform's internal token is required in x-practice-internal"
    return canonical(replace(refusal, message=asks) if refusal.status == HTTPStatus.UNAUTHORIZED else refusal)


CANONICAL = Product("canonical", ("/",), canonical)
# What operators are told at their own listener.
OPERATORS = Product("canonical", ("/",), operators)
