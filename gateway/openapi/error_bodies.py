"""What the body of an error looks like in each document: its `Error`, and what that is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.canonical_errors import DOMAIN
from gateway.openapi.words import Schema

ErrorBody = Mapping[str, Schema]

_TYPES = "type.googleapis.com/google.rpc."


def _text(told: str, **rest: Any) -> Schema:
    return {"type": "string", "description": told, **rest}


def _object(told: str, properties: Mapping[str, Schema], *optional: str) -> Schema:
    """Returns the schema of an object that has all properties but the optional ones."""
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "description": told,
        "properties": dict(properties),
        **({"required": required} if required else {}),
    }


def _detail(kind: str, told: str, **properties: Schema) -> Schema:
    """Returns the schema of a detail of a canonical error, which says in `@type` what it is."""
    named = {"@type": {"const": f"{_TYPES}{kind}", "description": "Which detail this is."}, **properties}
    return _object(told, named)


_TOLD = "Why a call was refused. Programs read the reason in the header `x-practice-reason`."
_WORDS = _text("What went wrong, for people; it may change.")

DETAIL: ErrorBody = {"Error": _object(_TOLD, {"detail": _WORDS})}

_FAULT = _object(
    "A field that is wrong.",
    {
        "loc": {
            "type": "array",
            "description": "The way to the field: `body`, `path` or `query`, and its name.",
            "items": {"type": ["string", "integer"]},
        },
        "msg": _text("What is wrong with it, for people."),
        "type": _text("What kind of fault it is, such as `missing` or `value_error`."),
    },
)
DETAIL_LIST: ErrorBody = {
    "Error": _object(
        _TOLD,
        {
            "detail": {
                "description": "What went wrong, for people; of a request that cannot be read (422) "
                "a list of the fields that are wrong.",
                "oneOf": [
                    {"type": "string"},
                    {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
                ],
            }
        },
    ),
    "FieldError": _FAULT,
}

ENVELOPE: ErrorBody = {
    "Error": _object(
        _TOLD,
        {
            "success": {"const": False, "description": "Always false."},
            "message": _WORDS,
            "data": {"type": "null", "description": "Always null."},
        },
    )
}

ERROR_AND_MESSAGE: ErrorBody = {
    "Error": _object(
        _TOLD,
        {
            "error": _text("A short name, such as `session_not_found` or `invalid_request`."),
            "message": _WORDS,
            "details": _object(
                "The field that is wrong, or the session that is over.",
                {
                    "field": _text("The field that is wrong."),
                    "session_id": _text("The session that is over."),
                    "status": _text("How it ended: `completed` or `abandoned`."),
                    "completion_time": _text("When it ended. RFC 3339, UTC.", format="date-time"),
                },
                *("field", "session_id", "status", "completion_time"),
            ),
            "retry_after": {
                "type": "integer",
                "minimum": 0,
                "description": "Seconds until it may be sent again.",
            },
        },
        *("details", "retry_after"),
    )
}

CANONICAL: ErrorBody = {
    "Error": _object(
        "Why a call was refused, as AIP-193 has it. Programs read `reason` in the first of `details`, or the "
        "header `x-practice-reason`.",
        {
            "error": _object(
                "The error.",
                {
                    "code": {"type": "integer", "description": "The HTTP status."},
                    "message": _WORDS,
                    "status": _text("The name of the status in gRPC, such as `NOT_FOUND`."),
                    "details": {
                        "type": "array",
                        "description": "An ErrorInfo first, a BadRequest for wrong fields, a Help last.",
                        "minItems": 1,
                        "items": {
                            "oneOf": [
                                {"$ref": f"#/components/schemas/{name}"}
                                for name in ("ErrorInfo", "BadRequest", "Help")
                            ]
                        },
                    },
                },
            )
        },
    ),
    "ErrorInfo": _detail(
        "ErrorInfo",
        "Why, for programs.",
        reason=_text("The reason, such as `SESSION_ENDED`."),
        domain={"const": DOMAIN, "description": "Whose reason it is."},
        metadata={
            "type": "object",
            "description": "What a program needs to know besides, such as the session's name; the page of "
            "errors says what each reason has.",
            "additionalProperties": {"type": "string"},
        },
    ),
    "BadRequest": _detail(
        "BadRequest",
        "The fields that are wrong, ten at most.",
        field_violations={
            "type": "array",
            "description": "One for each field.",
            "items": _object(
                "A field that is wrong.",
                {
                    "field": _text("The way to the field, such as `answers[0].item`."),
                    "description": _text("What is wrong with it, for people."),
                    "reason": _text("Empty, or left out: `description` says it."),
                },
                "reason",
            ),
        },
    ),
    "Help": _detail(
        "Help",
        "Where the reason is explained.",
        links={
            "type": "array",
            "description": "One link.",
            "items": _object(
                "A link to the page of errors.",
                {"description": _text("What is found there."), "url": _text("Where it is.")},
            ),
        },
    ),
}
