"""The texts of the Lua filters: edge.lua after the tables it looks things up in, and query.lua."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from grpc import StatusCode

from gateway.canonical_errors import Body, error_info, help_link
from gateway.contracts import EVENTS_PREFIX
from gateway.products import Product
from gateway.refusals import ANCHOR_MARK, EXPLAINED, MALFORMED, REASON_MARK, REFUSALS, UNREADABLE
from gateway.routes import ORDINARY_BODY
from gateway.settings import GatewaySettings

EDGE = Path(__file__).with_name("edge.lua")
PATHS = Path(__file__).with_name("paths.lua")
HEADERS = Path(__file__).with_name("headers.lua")
QUERY = Path(__file__).with_name("query.lua")
UPLOADS = Path(__file__).with_name("uploads.lua")


def bodies(product: Product) -> dict[str, str]:
    """Returns a product's refusals as JSON by status, and by name those of what cannot be read."""
    refusals = {str(refusal.status): refusal for refusal in REFUSALS}
    named = {"malformed": MALFORMED, "unreadable": UNREADABLE, "explained": EXPLAINED}
    refusals |= {name: replace(refusal, status=product.malformed_status) for name, refusal in named.items()}
    return {key: to_json(product.error_body(refusal)) for key, refusal in refusals.items()}


def to_json(body: Body) -> str:
    """Returns a body as compact ASCII JSON."""
    return json.dumps(body, separators=(",", ":"))


def script(
    products: tuple[Product, ...], paths: Mapping[str, Any], errors_url: str, token_header: str = ""
) -> str:
    """Returns edge.lua with the tables it looks things up in; the last product has every path.

    `paths` are what gateway.paths makes. Without the `token_header` nobody is told which paths there are.
    """
    prefixes = [
        {"prefix": prefix, "name": product.name, "malformed": str(product.malformed_status)}
        for product in products
        for prefix in product.prefixes
    ]
    tables = {
        "PRODUCTS": prefixes,
        "BODIES": {product.name: bodies(product) for product in products},
        "REASONS": {str(refusal.status): refusal.reason for refusal in (*REFUSALS, MALFORMED)},
        "CODES": {str(code.value[0]): code.name for code in StatusCode},
        "INFO": to_json(error_info(REASON_MARK)),
        "HELP": to_json(help_link(errors_url, ANCHOR_MARK)),
        "TOKEN_HEADER": token_header,
        "PATHS": paths,
    }
    head = "".join(f"local {name} = {to_lua(value)}\n" for name, value in tables.items())
    return "\n".join((head, *(file.read_text(encoding="utf-8") for file in (PATHS, HEADERS, EDGE))))


def query_script() -> str:
    """Returns query.lua, which stands behind the filter that looks at tokens."""
    return f"local EVENTS = {to_lua(EVENTS_PREFIX)}\n\n" + QUERY.read_text(encoding="utf-8")


def upload_script(settings: GatewaySettings) -> str:
    """Returns uploads.lua with its limits."""
    limits = {
        "small": ORDINARY_BODY,
        "all": settings.gateway_max_uploads,
        "address": settings.gateway_max_uploads_per_address,
        "user": settings.gateway_max_uploads_per_user,
        "seconds": math.ceil(settings.gateway_upload_seconds + settings.gateway_request_timeout_seconds),
    }
    return f"local LIMITS = {to_lua(limits)}\n\n" + UPLOADS.read_text(encoding="utf-8")


def to_lua(value: Any, indent: str = "") -> str:
    """Returns texts, numbers, lists and mappings as a Lua expression."""
    if isinstance(value, str | int):
        # For ASCII without control characters, Lua's escapes are JSON's.
        return json.dumps(value)
    inner = indent + "  "
    items = (
        [f"[{json.dumps(key)}] = {to_lua(each, inner)}" for key, each in value.items()]
        if isinstance(value, dict)
        else [to_lua(each, inner) for each in value]
    )
    return "{\n" + "".join(f"{inner}{item},\n" for item in items) + indent + "}"
