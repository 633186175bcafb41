"""Access tokens: checked by every service again, whatever the gateway did."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass

import jwt

from service_kit.errors import UnauthenticatedError, UnavailableError
from service_kit.key_sets import open_key_set

ALGORITHM = "EdDSA"
ACCESS_AUDIENCE = "practice-access"
CLOCK_SKEW_SECONDS = 5
_CACHED_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class Identity:
    """The account that a token proves. `expires_at` is in Unix seconds."""

    user_id: int
    email: str
    expires_at: float


class TokenVerifier:
    """Verifies access tokens against a JWK set and remembers the good ones."""

    def __init__(self, jwks_uri: str, issuer: str) -> None:
        self._keys = open_key_set(jwks_uri)
        self._issuer = issuer
        self._verified: OrderedDict[str, Identity] = OrderedDict()

    async def verify(self, token: str) -> Identity:
        """Returns the token's account.

        Raises UnauthenticatedError for anything but a good access token, and
        UnavailableError when the keys cannot be read.
        """
        known = self._verified.get(token)
        if known is not None and known.expires_at + CLOCK_SKEW_SECONDS > time.time():
            self._verified.move_to_end(token)
            return known
        # The key set may have to be fetched, which blocks.
        identity = await asyncio.to_thread(self._decode, token)
        self._verified[token] = identity
        if len(self._verified) > _CACHED_TOKENS:
            self._verified.popitem(last=False)
        return identity

    def _decode(self, token: str) -> Identity:
        try:
            key = self._keys.get_signing_key(str(jwt.get_unverified_header(token).get("kid", "")))
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[ALGORITHM],
                audience=ACCESS_AUDIENCE,
                issuer=self._issuer,
                leeway=CLOCK_SKEW_SECONDS,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
            return Identity(int(claims["sub"]), str(claims.get("email", "")), float(claims["exp"]))
        except (jwt.PyJWKClientConnectionError, OSError) as error:
            raise UnavailableError(
                "The keys that verify tokens cannot be read; try again", part="keys"
            ) from error
        except (jwt.PyJWTError, ValueError) as error:
            raise UnauthenticatedError("The access token is not valid") from error
