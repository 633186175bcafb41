"""Drafts: documents being worked on in a session, and their hashes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from session_service.domain import json_text
from session_service.domain.errors import DraftInvalidError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
_quoted = json.JSONEncoder(ensure_ascii=False).encode
EMPTY_HASH = hashlib.md5(b"", usedforsecurity=False).hexdigest()


def content_hash(content: str) -> str:
    """Returns the MD5 of a draft's canonical JSON; of the empty string for `{}`.

    Canonical is: sorted keys, no spaces, UTF-8, numbers as written; of a key
    that occurs twice the last value, as every browser reads it. Raises
    DraftInvalidError with `size` over 1 MiB, `depth` over 64 levels, `syntax`
    for what is not JSON.
    """
    try:
        size = len(content.encode())
    except UnicodeEncodeError as error:
        raise DraftInvalidError("syntax", "The draft is not Unicode text") from error
    if size > MAX_BYTES:
        raise DraftInvalidError("size", f"A draft has at most {MAX_BYTES} bytes")
    check_depth(content)
    try:
        document = json_text.read(content)
    except ValueError as error:
        raise DraftInvalidError("syntax", "The draft is not JSON") from error
    if document == {}:
        return EMPTY_HASH
    # An escaped half of a surrogate pair is JSON; strict UTF-8 would refuse to write it.
    canonical = _canonical(document).encode(errors="surrogatepass")
    return hashlib.md5(canonical, usedforsecurity=False).hexdigest()


def check_depth(content: str, most: int = MAX_DEPTH) -> None:
    """Counts brackets outside of strings, before any parser recurses into them.

    Raises DraftInvalidError with `depth` over `most` levels.
    """
    if json_text.is_deeper(content, most):
        raise DraftInvalidError("depth", f"A draft has at most {MAX_DEPTH} levels")


def _canonical(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return _quoted(value)
    if kind is json_text.Number:
        return str(value)
    if kind is dict:
        members = [f"{_quoted(key)}:{_canonical(value[key])}" for key in sorted(value)]
        return "{" + ",".join(members) + "}"
    if kind is list:
        return "[" + ",".join([_canonical(each) for each in value]) + "]"
    return _quoted(value)
