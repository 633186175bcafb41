"""Drafts: documents being worked on in a session, and their hashes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from json import encoder
from typing import Any

from session_service.domain import json_text
from session_service.domain.errors import DraftInvalidError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
EMPTY_HASH = hashlib.md5(b"", usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that can be kept: JSON text as it was sent, and the hash of its canonical form."""

    content: str
    content_hash: str


EMPTY_DRAFT = Draft("{}", EMPTY_HASH)


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A draft that is stored, told by its hash and by a digest of its text, which need not be read then."""

    content_hash: str
    text_digest: bytes

    def is_text(self, text: bytes) -> bool:
        """Tells whether a text is the stored one, to the byte."""
        return text_digest(self.content_hash, text) == self.text_digest


def text_digest(content_hash: str, text: bytes) -> bytes:
    """Returns a digest of a draft's text that no other text has, as far as anybody knows.

    The hash is in it: who replaces a text and its hash, and knows of no digest,
    leaves one that fits nothing any more.
    """
    digest = hashlib.sha256(content_hash.encode())
    digest.update(text)
    return digest.digest()


def read_draft(content: str) -> Draft:
    """Returns JSON text as a draft. Reads all of it, which takes a while of a large one.

    Raises DraftInvalidError with `size` over 1 MiB, `depth` over 64 levels,
    `syntax` for what is not JSON.
    """
    try:
        data = content.encode()
    except UnicodeEncodeError as error:
        raise DraftInvalidError("syntax", "The draft is not Unicode text") from error
    _check_size(len(data))
    check_depth(data)
    canonical = json_text.canonical_object(data)
    if canonical is not None:
        return Draft(content, hash_canonical(canonical))
    try:
        document = json_text.read(content)
    except ValueError as error:
        raise DraftInvalidError("syntax", "The draft is not JSON") from error
    return Draft(content, document_hash(document))


def read_plain_draft(data: bytes) -> Draft | None:
    """Returns an object as a draft, None where it is not spelled as `json_text.canonical_object` takes it.

    A fifth of the time that any other takes. What is wrong with that is told by who reads all of it.
    """
    if len(data) > MAX_BYTES or json_text.is_deeper(data, MAX_DEPTH):
        return None
    canonical = json_text.canonical_object(data)
    return None if canonical is None else Draft(data.decode(), hash_canonical(canonical))


def draft_of(document: Any, content: str) -> Draft:
    """Returns as a draft what `json_text` has read already, no deeper than allowed.

    Raises DraftInvalidError with `size` over 1 MiB.
    """
    _check_size(len(content.encode()))
    return Draft(content, document_hash(document))


def document_hash(document: Any) -> str:
    """Returns the MD5 of the canonical JSON of what `json_text` has read; of the empty string for `{}`.

    Canonical is: sorted keys, no spaces, UTF-8, numbers as written; of a key
    that occurs twice the last value, as every browser reads it.
    """
    # An escaped half of a surrogate pair is JSON; strict UTF-8 would refuse to write it.
    canonical = "".join(_encode(document, 0)).encode(errors="surrogatepass")
    return hash_canonical(canonical)


def hash_canonical(canonical: bytes) -> str:
    """Returns the MD5 of canonical JSON; of the empty string for `{}`."""
    return EMPTY_HASH if canonical == b"{}" else hashlib.md5(canonical, usedforsecurity=False).hexdigest()


def check_depth(data: bytes, most: int = MAX_DEPTH) -> None:
    """Counts brackets outside of strings, before any parser recurses into them.

    Raises DraftInvalidError with `depth` over `most` levels.
    """
    if json_text.is_deeper(data, most):
        raise DraftInvalidError("depth", f"A draft has at most {MAX_DEPTH} levels")


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise DraftInvalidError("size", f"A draft has at most {MAX_BYTES} bytes")


def _write_text(value: str) -> str:
    # A number is its own text.
    return encoder.encode_basestring(value) if type(value) is str else str(value)


# JSONEncoder's own engine in C, which JSONEncoder gives no function for texts: sorted, without spaces.
_encode = encoder.c_make_encoder(None, None, _write_text, None, ":", ",", True, False, False)  # type: ignore[attr-defined]
