"""Access tokens: checked by every service again, whatever the gateway did."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from service_kit.errors import TokenEndedError, UnauthenticatedError, UnavailableError
from service_kit.key_sets import open_key_set
from service_kit.revocations import Revocations

ALGORITHM = "EdDSA"
ACCESS_AUDIENCE = "practice-access"
CLOCK_SKEW_SECONDS = 5
# The claim that says when the account was made, in whole Unix seconds. Tokens
# of other issuers may lack it.
CREATED_AT = "created_at"
# The claim that says which tokens of the account it is one of; see service_kit.revocations.
GENERATION = "gen"
# How long a token that was verified is not verified again.
REMEMBERED_SECONDS = 30.0
_CACHED_TOKENS = 10_000
_LARGEST_USER_ID = 2**63 - 1
# The end of the year 9999.
_LATEST_SECOND = 253_402_300_799


@dataclass(frozen=True, slots=True)
class Identity:
    """The account that a token proves. `expires_at` is in Unix seconds.

    `signed_up_at` is None when the token does not say when the account was made;
    `generation` is that of the account's tokens when it was made.
    """

    user_id: int
    email: str
    expires_at: float
    signed_up_at: datetime | None = None
    generation: int = 0


@dataclass(frozen=True, slots=True)
class _Verified:
    identity: Identity
    at: float


class TokenVerifier:
    """Verifies access tokens against a JWK set and remembers the good ones for half a minute.

    So a key that leaves the set verifies nothing any more soon after. A token
    that is to live longer than `lifetime` is refused, whoever signed it, and
    one that was ended as soon as `revocations` has it.
    """

    def __init__(
        self,
        jwks_uri: str,
        issuer: str,
        lifetime: timedelta = timedelta(hours=24),
        revocations: Revocations | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = open_key_set(jwks_uri)
        self._issuer = issuer
        self._lifetime = lifetime
        self._revocations = Revocations(lifetime) if revocations is None else revocations
        self._clock = clock
        self._verified: OrderedDict[str, _Verified] = OrderedDict()
        # Of their own: a check waits for no other work.
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="tokens")

    async def verify(self, token: str) -> Identity:
        """Returns the token's account.

        Raises UnauthenticatedError for anything but a good access token that
        is in force, and UnavailableError when the keys cannot be read.
        """
        identity = await self.read(token)
        if self.has_ended(identity):
            raise TokenEndedError
        return identity

    def has_ended(self, identity: Identity) -> bool:
        """Tells whether the token was ended, which may be at any time. Asks nobody."""
        return self._revocations.has_ended(identity.user_id, identity.generation)

    async def read(self, token: str) -> Identity:
        """Returns the account of a token, also one that was ended. Raises as verify does otherwise."""
        now = self._clock()
        known = self._verified.get(token)
        if known is not None and self._is_fresh(known, now):
            self._verified.move_to_end(token)
            return known.identity
        # The key set may have to be fetched, which blocks.
        try:
            identity = await asyncio.get_running_loop().run_in_executor(self._threads, self._decode, token)
        except UnauthenticatedError:
            self._verified.pop(token, None)
            raise
        except UnavailableError:
            # Nobody withdraws a key by taking the whole set away: what was good stays so until it expires.
            if known is not None and known.identity.expires_at + CLOCK_SKEW_SECONDS > now:
                return known.identity
            raise
        self._verified[token] = _Verified(identity, now)
        self._verified.move_to_end(token)
        self._forget(now)
        return identity

    def count(self) -> int:
        """Returns how many tokens are remembered."""
        return len(self._verified)

    def _is_fresh(self, known: _Verified, now: float) -> bool:
        return (
            known.at <= now < known.at + REMEMBERED_SECONDS
            and known.identity.expires_at + CLOCK_SKEW_SECONDS > now
        )

    def _forget(self, now: float) -> None:
        """Forgets whom nobody called as of late, down to the number that is kept."""
        while self._verified:
            oldest = next(iter(self._verified.values()))
            if len(self._verified) <= _CACHED_TOKENS and self._is_fresh(oldest, now):
                return
            self._verified.popitem(last=False)

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
            identity = _identity(claims)
            if identity.expires_at > self._clock() + self._lifetime.total_seconds() + CLOCK_SKEW_SECONDS:
                raise ValueError("exp is later than a token lives")
            return identity
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
    return Identity(
        _user_id(claims["sub"]),
        email,
        float(claims["exp"]),
        _signed_up_at(claims),
        _generation(claims.get(GENERATION, 0)),
    )


def _generation(number: object) -> int:
    # A bool is an int to Python, and no number.
    if type(number) is not int or not 0 <= number <= _LARGEST_USER_ID:
        raise ValueError("gen is no number of a generation")
    return number


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
