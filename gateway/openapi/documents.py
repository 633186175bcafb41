"""The documents: one for `/v1`, one for each product, one for operators."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway import contracts as edge
from gateway.error_reasons import read_reasons
from gateway.openapi.contracts import Contracts
from gateway.openapi.errors import ErrorShape
from gateway.openapi.examples import read_examples
from gateway.openapi.operations import Operations
from gateway.openapi.schemas import Schema, Schemas

Document = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_DETAIL: Schema = {"type": "object", "properties": {"detail": _TEXT}, "required": ["detail"]}
_DETAIL_LIST: Schema = {
    "type": "object",
    "properties": {
        "detail": {
            "oneOf": [
                _TEXT,
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                            "msg": _TEXT,
                            "type": _TEXT,
                        },
                        "required": ["loc", "msg", "type"],
                    },
                },
            ]
        }
    },
    "required": ["detail"],
}
_ENVELOPE: Schema = {
    "type": "object",
    "properties": {"success": {"const": False}, "message": _TEXT, "data": {}},
    "required": ["success", "message", "data"],
}
_ERROR_AND_MESSAGE: Schema = {
    "type": "object",
    "properties": {
        "error": _TEXT,
        "message": _TEXT,
        "details": {
            "type": "object",
            "description": "The field that is wrong, or the session that is over.",
            "properties": {"field": _TEXT, "session_id": _TEXT, "status": _TEXT, "completion_time": _TEXT},
        },
        "retry_after": {"type": "integer", "description": "Seconds until it may be sent again."},
    },
    "required": ["error", "message"],
}
_CANONICAL: Schema = {
    "type": "object",
    "description": "An error as AIP-193 has it: its first detail says why, its last explains the reason.",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "integer"},
                "message": _TEXT,
                "status": _TEXT,
                "details": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
            },
            "required": ["code", "message", "status", "details"],
        }
    },
    "required": ["error"],
}

# What products answer where `/v1` has another status; below it, what each of them has of its own.
_OF_PRODUCTS = {"FAILED_PRECONDITION": [409], "IDEMPOTENCY_KEY_REUSED": [422]}
# Where what cannot be read is a 422.
_UNREADABLE = {
    "FIELD_INVALID": [422],
    "REQUEST_MALFORMED": [422, 408, 415, 426, 501],
    "PASSWORD_TOO_COMMON": [422],
}


@dataclass(frozen=True, slots=True)
class Described:
    """A document to be: the packages whose services it describes, and how its errors look."""

    name: str
    title: str
    packages: tuple[str, ...]
    error: Schema
    statuses: Mapping[str, Sequence[int]] = field(default_factory=dict)
    operators: bool = False


DOCUMENTS = (
    Described(
        "canonical",
        "Practice platform",
        ("practice.identity.", "practice.catalog.", "practice.session.", "practice.stats."),
        _CANONICAL,
    ),
    Described(
        "exercises",
        "Exercises: language drills",
        ("practice.products.exercises.",),
        _DETAIL,
        {**_OF_PRODUCTS, "SESSION_ENDED": [400]},
    ),
    Described(
        "portal",
        "Portal: vocabulary",
        ("practice.products.portal.",),
        _ERROR_AND_MESSAGE,
        {**_OF_PRODUCTS, "SESSION_ENDED": [400], "ITEM_NOT_FOUND": [400]},
    ),
    Described(
        "yoga",
        "Yoga",
        ("practice.products.yoga.",),
        _DETAIL_LIST,
        # 403 where the session is another's.
        {**_OF_PRODUCTS, **_UNREADABLE, "SESSION_NOT_FOUND": [404, 403]},
    ),
    Described("focus", "Focus time", ("practice.products.focus.",), _ENVELOPE, _OF_PRODUCTS),
    Described(
        "design",
        "System design",
        ("practice.products.design.",),
        _DETAIL_LIST,
        {
            **_OF_PRODUCTS,
            **_UNREADABLE,
            "SESSION_NOT_FOUND": [404, 403],
            "SUBMISSION_NOT_FOUND": [404, 403],
            "SESSION_ENDED": [400],
            "EMAIL_TAKEN": [400],
            "ETAG_MISMATCH": [412],
            "CONVERSATION_FULL": [413],
            "DRAFT_INVALID": [422, 413],
        },
    ),
    Described("operators", "Operators", ("practice.",), _CANONICAL, operators=True),
)


def describe(contracts: Path, described: Described, version: str) -> Document:
    """Returns a document. Raises OSError without the descriptor set."""
    known = Contracts.read(contracts)
    methods = edge.operator_methods(contracts) if described.operators else edge.public_methods(contracts)
    mine = [method for method in methods if method.service.startswith(described.packages)]
    schemas = Schemas(known, _short_names([*known.messages, *known.enums], described.packages))
    open_methods = frozenset() if described.operators else edge.OPEN_METHODS
    errors = ErrorShape(
        read_reasons(contracts),
        described.error,
        statuses=described.statuses,
        open_methods=open_methods,
        operators=described.operators,
    )
    events = {path: known.methods[method.name] for path, method in edge.event_methods(contracts).items()}
    operations = Operations(known, schemas, errors, read_examples(described.name), events)
    paths: dict[str, dict[str, Any]] = {}
    for method in mine:
        for path, verb, operation in operations.of(method):
            paths.setdefault(path, {})[verb] = operation
    said = json.dumps(paths)
    parameters = {
        name: each for name, each in _PARAMETERS.items() if f"#/components/parameters/{name}" in said
    }
    security = "InternalToken" if described.operators else "AccessToken"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": described.title,
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The gateway that this document is read from."}],
        "security": [{security: []}],
        "tags": [
            {"name": service.rpartition(".")[2], "description": known.services[service]}
            for service in edge.services_of(mine)
        ],
        "paths": paths,
        "components": {
            "schemas": {**schemas.components(), "Error": errors.schema},
            "parameters": parameters,
            "headers": _HEADERS,
            "securitySchemes": {security: _SECURITY[security]},
        },
    }


def _short_names(names: Sequence[str], packages: Sequence[str]) -> Any:
    """Returns how a full name is written: its last part, with what is before where two would be the same."""
    mine = [name for name in names if name.startswith(tuple(packages))]
    taken: dict[str, int] = {}
    for name in mine:
        short = _last(name)
        taken[short] = taken.get(short, 0) + 1

    def write(name: str) -> str:
        short = _last(name)
        if taken.get(short, 0) < 2:
            return short
        context = next(part for part in reversed(name.split(".")) if part[0].islower() and part[1:].isalpha())
        return f"{context.capitalize()}{short}"

    return write


def _last(name: str) -> str:
    return "".join(part for part in name.split(".") if part[0].isupper())


_ABOUT = """Times are RFC 3339 in UTC unless said otherwise; a day is the learner's own.

A change may be sent again with the same `idempotency-key` for 72 hours: it is done once, and
answered the same. `x-practice-user-seq` of an answer, sent as `min_user_seq` to a read of
statistics, waits until that change is counted."""
_PARAMETERS: dict[str, Schema] = {
    "IdempotencyKey": {
        "name": "idempotency-key",
        "in": "header",
        "required": False,
        "description": "Makes a retry safe: the same key with the same request is done once, for 72 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
    "TimeZone": {
        "name": "x-time-zone",
        "in": "header",
        "required": False,
        "description": "The learner's IANA time zone; remembered. What is no zone is ignored.",
        "schema": {"type": "string", "maxLength": 64, "examples": ["Europe/Madrid"]},
    },
    "LastEventId": {
        "name": "last-event-id",
        "in": "header",
        "required": False,
        "description": "For `text/event-stream`: the `id` of the last event seen, after which it goes on. "
        "Takes the place of `cursor`.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    },
}
_HEADERS: dict[str, Schema] = {
    "RequestId": {
        "description": "Names the call in logs; a UUID that was sent comes back.",
        "schema": {"type": "string"},
    },
    "UserSeq": {
        "description": "How many events of the learner there are. A read of statistics that is sent "
        "it as `min_user_seq` waits until they are counted.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
}
_SECURITY: dict[str, Schema] = {
    "AccessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "InternalToken": {"type": "apiKey", "in": "header", "name": "x-practice-internal"},
}
