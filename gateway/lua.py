"""The text of the Lua filter: edge.lua after the tables it looks things up in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.products import Body, Product
from gateway.refusals import EXPLAINED, MALFORMED, REFUSALS, UNREADABLE

EDGE = Path(__file__).with_name("edge.lua")


def bodies(product: Product) -> dict[str, str]:
    """Returns a product's refusals as JSON by status, and by name those of what cannot be read."""
    refusals = {str(refusal.status): refusal for refusal in REFUSALS}
    named = {"malformed": MALFORMED, "unreadable": UNREADABLE, "explained": EXPLAINED}
    refusals |= {name: replace(refusal, status=product.malformed_status) for name, refusal in named.items()}
    return {key: to_json(product.error_body(refusal)) for key, refusal in refusals.items()}


def to_json(body: Body) -> str:
    """Returns a body as compact ASCII JSON."""
    return json.dumps(body, separators=(",", ":"))


def script(products: tuple[Product, ...]) -> str:
    """Returns edge.lua with the tables it looks things up in; the last product has every path."""
    prefixes = [
        {"prefix": prefix, "name": product.name, "malformed": str(product.malformed_status)}
        for product in products
        for prefix in product.prefixes
    ]
    tables = {
        "PRODUCTS": prefixes,
        "BODIES": {product.name: bodies(product) for product in products},
    }
    head = "".join(f"local {name} = {to_lua(value)}\n" for name, value in tables.items())
    return head + "\n" + EDGE.read_text(encoding="utf-8")


def to_lua(value: Any, indent: str = "") -> str:
    """Returns texts, lists and mappings as a Lua expression."""
    if isinstance(value, str):
        # For ASCII without control characters, Lua's escapes are JSON's.
        return json.dumps(value)
    inner = indent + "  "
    items = (
        [f"[{json.dumps(key)}] = {to_lua(each, inner)}" for key, each in value.items()]
        if isinstance(value, dict)
        else [to_lua(each, inner) for each in value]
    )
    return "{\n" + "".join(f"{inner}{item},\n" for item in items) + indent + "}"
