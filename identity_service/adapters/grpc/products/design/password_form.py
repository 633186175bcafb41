"""Reads the OAuth2 password form that the design product's clients log in with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from google.api.httpbody_pb2 import HttpBody
from multipart import MultipartParser, parse_options_header

from service_kit.errors import InvalidArgumentError

# Both texts at their longest, percent-encoded, fit several times.
_LARGEST = 16 * 1024
_MOST_FIELDS = 20
_LONGEST = {"username": 254, "password": 128}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody logs in with."""

    username: str
    password: str


def read_credentials(form: HttpBody) -> Credentials:
    """Returns what is in a form, URL-encoded or multipart, or in a JSON object with its fields.

    Raises InvalidArgumentError.
    """
    fields = _fields(form)
    if fields.get("grant_type") not in (None, "", "password"):
        raise _invalid("grant_type", "only 'password' is served here", rule="string.in")
    return Credentials(_text(fields, "username"), _text(fields, "password"))


def _fields(form: HttpBody) -> dict[str, Any]:
    media_type = form.content_type.lower()
    if len(form.data) > _LARGEST:
        raise _unreadable()
    try:
        if "json" in media_type or form.data.lstrip().startswith(b"{"):
            document = json.loads(form.data)
            if not isinstance(document, dict):
                raise _unreadable()
            return document
        if media_type.startswith("multipart/form-data"):
            return _parts(form)
        text = form.data.decode()
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS))
    except (ValueError, RecursionError):
        raise _unreadable() from None


def _parts(form: HttpBody) -> dict[str, Any]:
    _, options = parse_options_header(form.content_type)
    if not options.get("boundary"):
        return {}
    parser = MultipartParser(BytesIO(form.data), options["boundary"], part_limit=_MOST_FIELDS)
    return {part.name: part.raw.decode() for part in parser}


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None or value == "":
        raise _invalid(name, "is required", rule="required")
    if not isinstance(value, str) or not _is_unicode(value):
        raise _invalid(name, "must be a text", rule="string")
    if len(value) > _LONGEST[name]:
        raise _invalid(name, f"must be at most {_LONGEST[name]} characters", rule="string.max_len")
    return value


def _is_unicode(text: str) -> bool:
    # JSON can escape half a surrogate pair.
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _invalid(field: str, message: str, *, rule: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{field}: {message}", reason="FIELD_INVALID", field=field, rule=rule)


def _unreadable() -> InvalidArgumentError:
    return InvalidArgumentError("The log-in form cannot be read", reason="FIELD_INVALID")
