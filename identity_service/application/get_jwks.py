"""Publishes the keys that verify access tokens."""

from __future__ import annotations


class GetJwks:
    """Returns the JWK set as JSON (RFC 7517)."""

    def __init__(self, document: str) -> None:
        self._document = document.encode()

    def __call__(self) -> bytes:
        """The set holds the signing key's public half and those of keys retired or to come."""
        return self._document
