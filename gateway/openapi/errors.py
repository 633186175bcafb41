"""What errors look like in each document, with the reasons that a method can have."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.openapi.contracts import Contracts, Rpc
from gateway.openapi.schemas import Schema

_REASONS = "practice.errors.v1.ErrorReason"
_PREFIX = "ERROR_REASON_"
_NAMED = re.compile(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b|\bINTERNAL\b")
# Of every call; those of tokens not of calls that need none.
_ALWAYS = ("FIELD_INVALID", "REQUEST_MALFORMED", "RATE_LIMITED", "DEPENDENCY_UNAVAILABLE", "INTERNAL")
_OF_TOKENS = ("TOKEN_INVALID",)

# The transcoder's own: google/rpc/code.proto.
_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 413,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason with its status under `/v1` and what it means."""

    name: str
    status: int
    meaning: str


def read_reasons(contracts: Contracts) -> Mapping[str, Reason]:
    """Returns the reasons by name."""
    found = {}
    for value, comment in contracts.enums[_REASONS].values.items():
        code, _, meaning = comment.partition(": ")
        if code in _STATUSES:
            name = value.removeprefix(_PREFIX)
            found[name] = Reason(name, _STATUSES[code], meaning.partition(" Metadata: ")[0])
    return found


class ErrorShape:
    """The errors of one document: one body, a status for each reason."""

    def __init__(
        self,
        reasons: Mapping[str, Reason],
        schema: Schema,
        *,
        statuses: Mapping[str, int] | None = None,
        open_methods: frozenset[str] = frozenset(),
    ) -> None:
        """`statuses` are those that this document's API has of its own, by reason."""
        self._reasons = reasons
        self._statuses = dict(statuses or {})
        self._open_methods = open_methods
        self.schema = schema

    def responses(self, rpc: Rpc) -> dict[str, Schema]:
        """Returns the error responses of a method, by status."""
        by_status: dict[int, list[Reason]] = defaultdict(list)
        for name in self._names(rpc):
            reason = self._reasons.get(name)
            if reason is not None:
                by_status[self._statuses.get(name, reason.status)].append(reason)
        return {str(status): self._response(by_status[status]) for status in sorted(by_status)}

    def _names(self, rpc: Rpc) -> Sequence[str]:
        told = _NAMED.findall(rpc.comment)
        tokens = () if rpc.name in self._open_methods else _OF_TOKENS
        return list(dict.fromkeys((*told, *tokens, *_ALWAYS)))

    def _response(self, reasons: Sequence[Reason]) -> Schema:
        told = "\n".join(f"- `{reason.name}`: {reason.meaning}" for reason in reasons)
        return {
            "description": told,
            "headers": {
                "x-practice-reason": {
                    "description": "Why, for programs.",
                    "schema": {"type": "string", "enum": [reason.name for reason in reasons]},
                }
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
