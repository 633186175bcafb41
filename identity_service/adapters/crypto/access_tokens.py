"""Signs access tokens with Ed25519."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from identity_service.application.ports.crypto import AccessToken, AccessTokens
from identity_service.domain.accounts import Account
from service_kit.tokens import ACCESS_AUDIENCE, ALGORITHM, CREATED_AT, GENERATION


class SignedAccessTokens(AccessTokens):
    """Makes JWTs that every service verifies with the published key `key_id`."""

    def __init__(self, key: Ed25519PrivateKey, key_id: str, *, issuer: str, lifetime: timedelta) -> None:
        self._key = key
        self._key_id = key_id
        self._issuer = issuer
        self._lifetime = lifetime

    def sign(self, account: Account, now: datetime) -> AccessToken:
        """Returns a token that is valid from `now` for the lifetime."""
        claims = {
            "iss": self._issuer,
            "aud": ACCESS_AUDIENCE,
            "sub": str(account.user_id),
            "email": account.email,
            GENERATION: account.token_generation,
            CREATED_AT: int(account.created_at.timestamp()),
            "iat": now,
            "exp": now + self._lifetime,
            "jti": uuid.uuid4().hex,
        }
        token = jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self._key_id})
        return AccessToken(token, int(self._lifetime.total_seconds()))
