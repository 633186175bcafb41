"""Access tokens: checked by every service again, whatever the gateway did."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from service_kit.errors import UnauthenticatedError, UnavailableError
from service_kit.key_sets import open_key_set

ALGORITHM = "EdDSA"
ACCESS_AUDIENCE = "practice-access"
CLOCK_SKEW_SECONDS = 5
# The claim that says when the account was made, in whole Unix seconds. Tokens
# of other issuers may lack it.
CREATED_AT = "created_at"
_CACHED_TOKENS = 10_000
_LARGEST_USER_ID = 2**63 - 1
# The end of the year 9999.
_LATEST_SECOND = 253_402_300_799


@dataclass(frozen=True, slots=True)
class Identity:
    """The account that a token proves. `expires_at` is in Unix seconds.

    `signed_up_at` is None when the token does not say when the account was made.
    """

    user_id: int
    email: str
    expires_at: float
    signed_up_at: datetime | None = None


class TokenVerifier:
    """Verifies access tokens against a JWK set and remembers the good ones."""

    def __init__(self, jwks_uri: str, issuer: str) -> None:
        self._keys = open_key_set(jwks_uri)
        self._issuer = issuer
        self._verified: OrderedDict[str, Identity] = OrderedDict()
        # Of their own: a check waits for no other work.
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="tokens")

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
        identity = await asyncio.get_running_loop().run_in_executor(self._threads, self._decode, token)
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
            return _identity(claims)
        except (jwt.PyJWKClientConnectionError, OSError) as error:
            raise UnavailableError(
                "The keys that verify tokens cannot be read; try again", part="keys"
            ) from error
        except _UNREADABLE as error:
            raise UnauthenticatedError("The access token is not valid") from error


# Claims of any type and JSON of any depth come from whoever calls.
_UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


def _identity(claims: Mapping[str, Any]) -> Identity:
    """Returns what checked claims say. Raises ValueError, TypeError or OverflowError for odd ones."""
    email = claims.get("email", "")
    if not isinstance(email, str):
        raise TypeError("email is no text")
    return Identity(_user_id(claims["sub"]), email, float(claims["exp"]), _signed_up_at(claims))


def _user_id(subject: object) -> int:
    # int() alone takes signs, underscores, white space and the digits of every script.
    if not isinstance(subject, str) or not (subject.isascii() and subject.isdigit()):
        raise ValueError("sub is no account's number")
    number = int(subject)
    if not 1 <= number <= _LARGEST_USER_ID:
        raise ValueError("sub is no account's number")
    return number


def _signed_up_at(claims: Mapping[str, Any]) -> datetime | None:
    if CREATED_AT not in claims:
        return None
    second = claims[CREATED_AT]
    # A bool is an int to Python, and no time.
    if type(second) is not int or not 0 <= second <= _LATEST_SECOND:
        raise ValueError("created_at is no time")
    return datetime.fromtimestamp(second, UTC)
