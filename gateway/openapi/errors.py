"""What errors look like in each document, with the reasons that a method can have."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from gateway.error_reasons import Reason
from gateway.openapi.contracts import Rpc
from gateway.openapi.words import Schema

_NAMED = re.compile(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b|\bINTERNAL\b")
# Of every call; those of tokens not of calls that need none, those of changes not of calls that only read.
_ALWAYS = (
    "FIELD_INVALID",
    "REQUEST_MALFORMED",
    "REQUEST_TOO_LARGE",
    "RATE_LIMITED",
    "DEPENDENCY_UNAVAILABLE",
    "INTERNAL",
)
_OF_TOKENS = ("TOKEN_INVALID", "ACCOUNT_ERASED")
_OF_OPERATORS = ("TOKEN_INVALID", "NOT_PERMITTED")
_OF_CHANGES = ("IDEMPOTENCY_KEY_REUSED", "TOO_MANY_AT_ONCE")
_CONTENT: Schema = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}

HEADERS: Mapping[str, Schema] = {
    "RetryAfter": {
        "description": "Seconds after which it may be sent again.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "RateLimitPolicy": {
        "description": "The limit that was reached: its name, `q` requests in `w` seconds "
        "(draft-ietf-httpapi-ratelimit-headers-10).",
        "schema": {"type": "string", "examples": ['"portal:starts";q=30;w=3600']},
    },
    "RateLimit": {
        "description": "What is left of it: `r` requests, and one more in `t` seconds.",
        "schema": {"type": "string", "examples": ['"portal:starts";r=0;t=840']},
    },
    "WwwAuthenticate": {
        "description": "What is asked for: `Bearer`.",
        "schema": {"type": "string"},
    },
}
# What the answers of a status can have besides the reason.
_OF_STATUS = {
    401: {"www-authenticate": "WwwAuthenticate"},
    429: {
        "retry-after": "RetryAfter",
        "ratelimit-policy": "RateLimitPolicy",
        "ratelimit": "RateLimit",
    },
    503: {"retry-after": "RetryAfter"},
}


class ErrorShape:
    """The errors of one document: one body, a status for each reason."""

    def __init__(
        self,
        reasons: Iterable[Reason],
        *,
        statuses: Mapping[str, Sequence[int]] | None = None,
        open_methods: frozenset[str] = frozenset(),
        operators: bool = False,
    ) -> None:
        """`statuses` are those that this document's API has of its own, by reason or by gRPC's status."""
        self._reasons = {reason.name: reason for reason in reasons}
        self._statuses = dict(statuses or {})
        self._open_methods = open_methods
        self._of_tokens = _OF_OPERATORS if operators else _OF_TOKENS

    def responses(self, rpc: Rpc) -> dict[str, Schema]:
        """Returns the error responses of a method, by status."""
        by_status: dict[int, list[Reason]] = defaultdict(list)
        for name in self._names(rpc):
            if (reason := self._reasons.get(name)) is not None:
                for status in self._statuses_of(reason):
                    by_status[status].append(reason)
        return {str(status): self._response(status, by_status[status]) for status in sorted(by_status)}

    def _statuses_of(self, reason: Reason) -> Sequence[int]:
        own = self._statuses.get(reason.name) or self._statuses.get(reason.code)
        return reason.statuses if own is None else own

    def _names(self, rpc: Rpc) -> Sequence[str]:
        told = _NAMED.findall(rpc.comment)
        tokens = () if rpc.name in self._open_methods else self._of_tokens
        changes = () if rpc.only_reads else _OF_CHANGES
        return list(dict.fromkeys((*told, *tokens, *changes, *_ALWAYS)))

    def _response(self, status: int, reasons: Sequence[Reason]) -> Schema:
        meanings = {reason.name: reason.meaning.partition(" Metadata: ")[0] for reason in reasons}
        told = "\n".join(f"- `{name}`: {meaning}" for name, meaning in meanings.items())
        return {
            "description": told,
            "headers": {
                "x-practice-reason": {
                    "description": "Why, for programs.",
                    "schema": {"type": "string", "enum": [reason.name for reason in reasons]},
                },
                "x-request-id": {"$ref": "#/components/headers/RequestId"},
                **{
                    header: {"$ref": f"#/components/headers/{name}"}
                    for header, name in _OF_STATUS.get(status, {}).items()
                },
            },
            "content": _CONTENT,
        }
