"""Errors of `/v1` and `/admin/v1` as HTTP shows them: AIP-193, with a link to what the reason means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grpc import StatusCode

Body = dict[str, Any]

DOMAIN = "practice"
_TYPES = "type.googleapis.com/google.rpc."


def error_body(status: int, message: str, code: StatusCode, details: Sequence[Body]) -> Body:
    """Returns the body of an error with an HTTP status."""
    error = {"code": status, "message": message, "status": code.name, "details": list(details)}
    return {"error": error}


def error_info(reason: str, metadata: Mapping[str, str] | None = None) -> Body:
    """Returns the detail that every error has once, first: why, for programs."""
    return {
        "@type": f"{_TYPES}ErrorInfo",
        "reason": reason,
        "domain": DOMAIN,
        "metadata": dict(metadata or {}),
    }


def bad_request(faults: Mapping[str, str]) -> Body:
    """Returns the detail that names all fields that are wrong, with what is wrong in words."""
    violations = [{"field": field, "description": words} for field, words in faults.items()]
    return {"@type": f"{_TYPES}BadRequest", "field_violations": violations}


def help_link(errors_url: str, anchor: str) -> Body:
    """Returns the detail that every error has last: where the page of errors speaks of the reason."""
    link = {"description": "What this reason means, with an example", "url": f"{errors_url}#{anchor}"}
    return {"@type": f"{_TYPES}Help", "links": [link]}


def anchor_of(reason: str) -> str:
    """Returns where a reason is on the page of errors, as headings of Markdown are linked to."""
    return reason.lower()
