"""How often an address or an account may ask, and what those are told who ask more often."""

from __future__ import annotations

import math
from typing import Any

from gateway.settings import GatewaySettings

Config = dict[str, Any]


def address_rate_limit(per_second: int, burst: int, name: str) -> Config:
    """Returns the limit of the requests of a client address.

    An address is that of one machine, or for IPv6 the 64 bits that a network has.
    """
    key = "masked_remote_address"
    bucket = {"max_tokens": burst, "tokens_per_fill": per_second, "fill_interval": "1s"}
    address = {key: {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}}
    return {
        **limit_per(({"key": key},), [address], bucket),
        "stat_prefix": name,
        "response_headers_to_add": limit_headers(f"address {name}", per_second, window=1, wait=1),
    }


# Where the filter that looks at tokens puts the claims of a good one.
ACCOUNT = {"key": "envoy.filters.http.jwt_authn", "path": [{"key": "payload"}, {"key": "sub"}]}


def account_rate_limit(settings: GatewaySettings) -> Config:
    """Returns the limit of an account's requests to `/v1`. Without a token only addresses are counted."""
    per_minute = settings.gateway_account_rate_per_minute
    # As often as whole requests can be given back.
    share = math.gcd(per_minute, 60)
    interval = 60 // share
    bucket = {
        "max_tokens": per_minute,
        "tokens_per_fill": per_minute // share,
        "fill_interval": f"{interval}s",
    }
    api = {"descriptor_key": "api", "descriptor_value": "canonical"}
    canonical = {"headers": [{"name": ":path", "string_match": {"prefix": "/v1/"}}]}
    actions: list[Config] = [
        {"header_value_match": {**api, **canonical}},
        {"metadata": {"descriptor_key": "account", "metadata_key": ACCOUNT}},
    ]
    entries = ({"key": "api", "value": "canonical"}, {"key": "account"})
    return {
        **limit_per(entries, actions, bucket),
        "stat_prefix": "account",
        "response_headers_to_add": limit_headers("account", per_minute, window=60, wait=interval),
    }


def limit_per(entries: tuple[Config, ...], actions: list[Config], bucket: Config) -> Config:
    """Returns a local limit with a bucket for each value of those entries that name none.

    Whoever has not been seen for 10,000 others begins with a full bucket again.
    """
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        # Of all together nothing is asked here.
        "token_bucket": {"max_tokens": 2**31, "tokens_per_fill": 2**31, "fill_interval": "1s"},
        "filter_enabled": always,
        "filter_enforced": always,
        "rate_limits": [{"actions": actions}],
        "descriptors": [{"entries": list(entries), "token_bucket": bucket}],
        "max_dynamic_descriptors": 10_000,
    }


def limit_headers(name: str, quota: int, *, window: int, wait: int) -> list[Config]:
    """Returns what a refused request is told (draft-ietf-httpapi-ratelimit-headers-10). Times in seconds."""
    told = {
        "retry-after": str(wait),
        "ratelimit-policy": f'"{name}";q={quota};w={window}',
        "ratelimit": f'"{name}";r=0;t={wait}',
    }
    return [{"header": {"key": key, "value": value}} for key, value in told.items()]
