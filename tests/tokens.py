"""Access tokens for tests, signed with a key of the test run's own."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import jwt

from identity_service import keys
from service_kit.tokens import ACCESS_AUDIENCE, ALGORITHM

ISSUER = "practice"


class TestTokens:
    """Issues tokens; services under test verify them with `jwks_uri`."""

    __test__ = False

    def __init__(self, directory: Path) -> None:
        keys.make_keys(directory)
        self.directory = directory
        self.signing_key_file = directory / keys.SIGNING_KEY
        self.jwks_uri = (directory / keys.JWKS).as_uri()
        self.key = keys.read_signing_key(self.signing_key_file)
        self.key_id = keys.public_jwk(self.key.public_key())["kid"]

    def issue(self, user_id: int, email: str | None = None, **claims: object) -> str:
        """Returns an access token for an hour. A claim given as None is left out."""
        now = int(time.time())
        values: dict[str, object] = {
            "iss": ISSUER,
            "aud": ACCESS_AUDIENCE,
            "sub": str(user_id),
            "email": email or f"user{user_id}@example.com",
            "iat": now,
            "exp": now + 3600,
            "jti": uuid.uuid4().hex,
            **claims,
        }
        present = {name: value for name, value in values.items() if value is not None}
        return jwt.encode(present, self.key, algorithm=ALGORITHM, headers={"kid": self.key_id})

    def bearer(self, user_id: int, email: str | None = None, **claims: object) -> tuple[tuple[str, str], ...]:
        """Returns gRPC metadata that authenticates as a user."""
        return (("authorization", f"Bearer {self.issue(user_id, email, **claims)}"),)
