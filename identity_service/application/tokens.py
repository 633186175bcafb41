"""Grants tokens by log-in and refresh, ends them by log-out, and lists what was ended."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from identity_service.application.admission import AddressLimit, AdmissionGate
from identity_service.application.credential_check import CredentialCheck
from identity_service.application.ports.accounts import RevocationPlace
from identity_service.application.ports.crypto import AccessToken, AccessTokens
from identity_service.application.ports.unit_of_work import Clock, RefreshRevocations, UnitOfWorkFactory
from identity_service.domain.accounts import Account, normalised_email
from identity_service.domain.attempts import FailureLimits, address_subject
from identity_service.domain.errors import RefreshTokenInvalidError
from service_kit.call import Call
from service_kit.errors import TokenEndedError
from service_kit.revocations import Revocation

_REFRESH_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class GrantedTokens:
    """What lets its bearer act for the account. `refresh_token` is empty when none was made."""

    access_token: AccessToken
    refresh_token: str
    account: Account


def new_refresh_token() -> str:
    """Returns 256 random bits as text."""
    return secrets.token_urlsafe(_REFRESH_TOKEN_BYTES)


def refresh_token_digest(token: str) -> bytes:
    """Returns the form in which a token is stored. Random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


class LogIn:
    """Gives an access token and a refresh token.

    Takes no idempotency key: to give the first answer again, tokens would
    have to be stored as they are. A repeat makes another pair.
    """

    def __init__(
        self,
        units: UnitOfWorkFactory,
        check: CredentialCheck,
        access_tokens: AccessTokens,
        clock: Clock,
        *,
        gate: AdmissionGate,
        per_address: AddressLimit,
        failures: FailureLimits,
        refresh_lifetime: timedelta,
    ) -> None:
        self._units = units
        self._check = check
        self._access_tokens = access_tokens
        self._clock = clock
        self._gate = gate
        self._per_address = per_address
        self._failures = failures
        self._refresh_lifetime = refresh_lifetime

    async def __call__(self, email: str, password: str, address: str) -> GrantedTokens:
        """Raises CredentialsInvalidError, TooManyAtOnceError, or TooManyAttemptsError.

        The last of them for the account, the address, or both together.
        """
        subject = address_subject(address)
        async with self._gate.enter(subject):
            await self._per_address.count(subject)
            return await self._grant(normalised_email(email), password, address)

    async def _grant(self, email: str, password: str, address: str) -> GrantedTokens:
        examined = await self._check.examine(email, password, self._failures.of_log_in(email, address))
        refresh_token = new_refresh_token()
        async with self._units() as unit:
            account = await self._check.decide(unit, examined)
            now = self._clock()
            await unit.refresh_tokens.add(
                refresh_token_digest(refresh_token), account.user_id, now, now + self._refresh_lifetime
            )
            await unit.commit()
        return GrantedTokens(self._access_tokens.sign(account, now), refresh_token, account)


class RefreshAccessToken:
    """Gives an access token; the refresh token stays valid."""

    def __init__(self, units: UnitOfWorkFactory, access_tokens: AccessTokens, clock: Clock) -> None:
        self._units = units
        self._access_tokens = access_tokens
        self._clock = clock

    async def __call__(self, refresh_token: str) -> GrantedTokens:
        """Raises RefreshTokenInvalidError for an unknown, expired or revoked token."""
        now = self._clock()
        async with self._units() as unit:
            account = await unit.refresh_tokens.owner(refresh_token_digest(refresh_token), now)
        if account is None:
            raise RefreshTokenInvalidError
        return GrantedTokens(self._access_tokens.sign(account, now), "", account)


class LogOut:
    """Revokes one refresh token of the caller, or all of them and every access token. Idempotent.

    The access token of a log-in that is ended alone runs out by itself.
    """

    def __init__(
        self, units: UnitOfWorkFactory, refresh_revocations: RefreshRevocations, clock: Clock
    ) -> None:
        self._units = units
        self._refresh_revocations = refresh_revocations
        self._clock = clock

    async def __call__(self, call: Call, refresh_token: str) -> None:
        """An empty token means all. A token that is not the caller's is left alone, without a word.

        Raises TokenEndedError for an access token that is ended, but for a repeat.
        """
        async with self._units() as unit:
            # Nothing is kept of an account that its token has outlived.
            held = await unit.accounts.hold(call.user_id)
            if held and await unit.idempotency.claim(call, bool):
                return
            if call.ended:
                raise TokenEndedError
            if not held:
                return
            if refresh_token:
                await unit.refresh_tokens.revoke(call.user_id, refresh_token_digest(refresh_token))
            else:
                await unit.refresh_tokens.revoke_all(call.user_id)
                await unit.accounts.end_access_tokens(call.user_id, self._clock())
            await unit.idempotency.remember(call, True, bool)
            await unit.commit()
        await self._refresh_revocations()


class ListRevocations:
    """Lists accounts whose tokens were ended, as far back as tokens live; an erased one's for good."""

    def __init__(self, units: UnitOfWorkFactory, clock: Clock, lifetime: timedelta) -> None:
        self._units = units
        self._clock = clock
        self._lifetime = lifetime

    async def __call__(
        self, since: datetime | None, *, after: RevocationPlace | None = None, limit: int | None = None
    ) -> Sequence[Revocation]:
        """Returns them, oldest first, from a time and behind a place on; all without a limit."""
        horizon = self._clock() - self._lifetime
        async with self._units() as unit:
            return await unit.accounts.revocations(max(since or horizon, horizon), after, limit)


class GetJwks:
    """Returns the JWK set as JSON (RFC 7517)."""

    def __init__(self, document: str) -> None:
        self._document = document.encode()

    def __call__(self) -> bytes:
        """The set holds the signing key's public half and those of keys retired or to come."""
        return self._document
