"""The public keys that access tokens are verified with: a file's, or an address's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

import jwt

_LIFESPAN_SECONDS = 60


class KeySet(Protocol):
    """Finds a public key. Blocks while it reads the file or asks the address."""

    def get_signing_key(self, kid: str) -> jwt.PyJWK:
        """Returns the key. Raises PyJWTError for an unknown one, OSError for a set that cannot be read."""
        ...


class FileKeySet:
    """A JWK set file, read again whenever it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0
        self._keys: dict[str | None, jwt.PyJWK] = {}

    def get_signing_key(self, kid: str) -> jwt.PyJWK:
        """Returns the key with this id."""
        changed_at = self._path.stat().st_mtime_ns
        if changed_at != self._read_at:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(document).keys}
            self._read_at = changed_at
        key = self._keys.get(kid)
        if key is None:
            raise jwt.PyJWKClientError("no such key")
        return key


def open_key_set(uri: str) -> KeySet:
    """Returns the key set at a file://, https:// or http:// address. Reads nothing yet."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return FileKeySet(Path(url2pathname(parts.path)))
    return jwt.PyJWKClient(uri, cache_jwk_set=True, lifespan=_LIFESPAN_SECONDS)
