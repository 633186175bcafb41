"""The key tool."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from identity_service import keys


def test_the_tool_makes_a_private_key_for_its_owner_and_keeps_it(tmp_path: Path) -> None:
    directory = tmp_path / "secrets"
    command = [sys.executable, "-m", "identity_service.keys", str(directory)]
    subprocess.run(command, check=True)
    pem, jwks = directory / keys.SIGNING_KEY, directory / keys.JWKS
    assert pem.stat().st_mode & 0o777 == 0o600
    made = (pem.read_bytes(), jwks.read_bytes())

    subprocess.run(command, check=True)

    assert (pem.read_bytes(), jwks.read_bytes()) == made
    assert sorted(path.name for path in directory.iterdir()) == [keys.JWKS, keys.SIGNING_KEY]


def test_the_published_key_belongs_to_the_signing_key(tmp_path: Path) -> None:
    keys.make_keys(tmp_path)
    (jwk,) = keys.read_jwks(tmp_path / keys.JWKS)

    token = jwt.encode({"sub": "1"}, keys.read_signing_key(tmp_path / keys.SIGNING_KEY), algorithm="EdDSA")

    assert jwt.decode(token, jwt.PyJWK(jwk).key, algorithms=["EdDSA"]) == {"sub": "1"}
    assert "d" not in jwk


def test_a_key_is_named_by_its_thumbprint() -> None:
    # The example of RFC 8037, appendix A.3.
    x = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")

    jwk = keys.public_jwk(Ed25519PublicKey.from_public_bytes(x))

    assert jwk["kid"] == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_lost_jwk_set_is_made_again_from_the_key(tmp_path: Path) -> None:
    keys.make_keys(tmp_path)
    made = (tmp_path / keys.JWKS).read_bytes()
    (tmp_path / keys.JWKS).unlink()

    keys.make_keys(tmp_path)

    assert (tmp_path / keys.JWKS).read_bytes() == made


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    pem = tmp_path / keys.SIGNING_KEY
    pem.write_bytes(
        generate_private_key(SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )

    with pytest.raises(ValueError, match="no Ed25519 key"):
        keys.make_keys(tmp_path)
