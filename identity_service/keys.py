"""The key that signs access tokens and the public set that verifies them.

`python -m identity_service.keys DIR` writes DIR/signing_key.pem (Ed25519,
PKCS 8, readable by its owner only) and DIR/jwks.json (RFC 7517). What is
there is kept. `--rotate` makes a new signing key; the old public key stays in
the set, so tokens signed before go on working until it is taken out.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNING_KEY = "signing_key.pem"
JWKS = "jwks.json"

Jwk = dict[str, str]


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Returns the private key in a PEM file. Raises ValueError for any other kind of key."""
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} holds no Ed25519 key")
    return key


def public_jwk(key: Ed25519PublicKey) -> Jwk:
    """Returns the key as a JWK (RFC 8037); its `kid` is its thumbprint (RFC 7638)."""
    x = _base64url(key.public_bytes_raw())
    # The members a thumbprint is made of, in the order it prescribes.
    members = {"crv": "Ed25519", "kty": "OKP", "x": x}
    kid = _base64url(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())
    return {**members, "kid": kid, "use": "sig", "alg": "EdDSA"}


def read_jwks(path: Path) -> list[Jwk]:
    """Returns the keys of a JWK set file, none when there is no file."""
    if not path.exists():
        return []
    keys: list[Jwk] = json.loads(path.read_text(encoding="utf-8"))["keys"]
    return keys


def jwks_document(keys: list[Jwk]) -> str:
    """Returns a JWK set as JSON text."""
    return json.dumps({"keys": keys}, indent=2) + "\n"


def make_keys(directory: Path, *, rotate: bool = False) -> None:
    """Writes the signing key and the JWK set; a no-op when both are there and belong together."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem, jwks = directory / SIGNING_KEY, directory / JWKS
    key = None if rotate or not pem.exists() else read_signing_key(pem)
    new = key or Ed25519PrivateKey.generate()
    published = read_jwks(jwks)
    jwk = public_jwk(new.public_key())
    # Published first: nothing is ever signed with a key nobody can look up.
    if jwk["kid"] not in {known["kid"] for known in published}:
        _replace(jwks, jwks_document([jwk, *published]).encode(), mode=0o644)
    if key is None:
        _replace(pem, _pem(new), mode=0o600)


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _replace(path: Path, content: bytes, *, mode: int) -> None:
    """Writes a file as a whole: a reader finds the old one or the new one, nobody an open secret."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
    draft.replace(path)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def main() -> None:
    """Makes the keys in the directory named on the command line."""
    parser = argparse.ArgumentParser(description="Makes the signing key and its JWK set.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--rotate", action="store_true", help="sign with a new key from now on")
    options = parser.parse_args()
    make_keys(options.directory, rotate=options.rotate)


if __name__ == "__main__":
    main()
