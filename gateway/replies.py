"""What Envoy itself answers, as its local_reply_config: valid JSON in the product's shape, whoever else runs.

An answer can begin before the filters see the request, or after they saw the
service's headers. So nothing here counts on edge.lua, which only says more of
a request that could not be read.
"""

from __future__ import annotations

import re
from typing import Any

from gateway.lua import to_json
from gateway.products import Product
from gateway.refusals import MALFORMED, REFUSALS, Refusal

Config = dict[str, Any]

CEL = "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"

# Where edge.lua knows better: with what it reads in the body.
EXPLAINED_LATER = (
    "response.code_details.contains('grpc_json_transcode') || response.code_details == 'lua_response'"
)
# A token for another audience is a 403 to Envoy.
REFUSED_BY_JWT = "response.code_details.startsWith('jwt_authn_access_denied')"
# What every answer has; edge.lua knows by it that an answer is Envoy's own.
SAFE = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
INTERNAL = next(refusal for refusal in REFUSALS if refusal.status == 500)
UNAUTHORIZED = next(refusal for refusal in REFUSALS if refusal.status == 401)


def health_replies(version: str, zone_data: str) -> list[Config]:
    """Returns how /health says that all is well, or that a service is not."""
    here = {"header_filter": {"header": {"name": ":path", "string_match": {"exact": "/health"}}}}
    return [
        {
            "filter": both(here, status_is(status)),
            "body_format_override": {
                "json_format": {"status": word, "version": version, "time_zone_data": zone_data}
            },
        }
        for status, word in ((200, "ok"), (503, "unavailable"))
    ]


def refusal_replies(products: tuple[Product, ...]) -> list[Config]:
    """Returns the answers to what is refused, in the shape of each product; the last one has every path."""
    return [explained_later(), *(reply for product in products for reply in product_replies(product))]


def explained_later() -> Config:
    """Returns the answer that edge.lua makes its own from: the parser's words."""
    words = {"details": "%RESPONSE_CODE_DETAILS%", "message": "%LOCAL_REPLY_BODY%"}
    return {
        "filter": both(status_is(400), expression(EXPLAINED_LATER)),
        "headers_to_add": headers({"x-practice-unread": "true"}),
        "body_format_override": {"json_format": words},
    }


def product_replies(product: Product) -> list[Config]:
    """Returns a product's answers; a status without words of its own becomes a 500."""
    return [
        reply(product, both(status_is(403), expression(REFUSED_BY_JWT)), UNAUTHORIZED),
        reply(product, status_is(400), MALFORMED, product.malformed_status),
        *(reply(product, status_is(refusal.status), refusal) for refusal in REFUSALS),
        reply(product, {"status_code_filter": comparison("GE", 400)}, INTERNAL),
    ]


def reply(product: Product, condition: Config, refusal: Refusal, status: int | None = None) -> Config:
    """Returns the answer to what is refused under a condition at a product's paths."""
    sent = {
        "x-practice-reason": refusal.reason,
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    if refusal is UNAUTHORIZED:
        sent["www-authenticate"] = "Bearer"
    return {
        "filter": both(condition, *under(product.prefixes)),
        "status_code": status or refusal.status,
        "headers_to_add": headers(sent),
        "body_format_override": {
            "text_format_source": {"inline_string": to_json(product.error_body(refusal)).replace("%", "%%")},
            "content_type": "application/json",
        },
    }


def headers(values: dict[str, str]) -> list[Config]:
    """Returns headers of an answer; each replaces one of its name."""
    return [
        {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        for key, value in values.items()
    ]


def under(prefixes: tuple[str, ...]) -> list[Config]:
    """Returns the condition that a path begins with one of the prefixes, none for all paths.

    The transcoder keeps the path that was asked for in a header.
    """
    if "/" in prefixes:
        return []
    names = "|".join(re.escape(prefix.removesuffix("/")) for prefix in prefixes)
    path = {"safe_regex": {"regex": rf"({names})([/?]\C*)?"}}
    return [
        {
            "or_filter": {
                "filters": [
                    {"header_filter": {"header": {"name": name, "string_match": path}}}
                    for name in (":path", "x-envoy-original-path")
                ]
            }
        }
    ]


def both(*conditions: Config) -> Config:
    """Returns the condition that all of some hold."""
    return {"and_filter": {"filters": list(conditions)}} if len(conditions) > 1 else conditions[0]


def status_is(status: int) -> Config:
    """Returns the condition that Envoy answers with a status."""
    return {"status_code_filter": comparison("EQ", status)}


def comparison(operator: str, status: int) -> Config:
    """Returns how a status is compared."""
    return {"comparison": {"op": operator, "value": {"default_value": status, "runtime_key": "none"}}}


def expression(text: str) -> Config:
    """Returns the condition that an expression in CEL is true."""
    return {
        "extension_filter": {
            "name": "envoy.access_loggers.extension_filters.cel",
            "typed_config": {
                "@type": CEL,
                "expression": text,
            },
        }
    }
