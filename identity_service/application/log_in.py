"""Exchanges an email and a password for tokens."""

from __future__ import annotations

from datetime import timedelta

from identity_service.application.credential_check import CredentialCheck
from identity_service.application.ports import AccessTokens, Clock, UnitOfWorkFactory
from identity_service.application.tokens import GrantedTokens, new_refresh_token, refresh_token_digest
from identity_service.domain.accounts import normalised_email
from identity_service.domain.attempts import AttemptLimit, address_subject


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
        per_address: AttemptLimit,
        refresh_lifetime: timedelta,
    ) -> None:
        self._units = units
        self._check = check
        self._access_tokens = access_tokens
        self._clock = clock
        self._per_address = per_address
        self._refresh_lifetime = refresh_lifetime

    async def __call__(self, email: str, password: str, address: str) -> GrantedTokens:
        """Raises CredentialsInvalidError, or TooManyAttemptsError for the account or the address."""
        await self._count(address)
        examined = await self._check.examine(normalised_email(email), password)
        refresh_token = new_refresh_token()
        async with self._units() as unit:
            account = await self._check.decide(unit, examined)
            now = self._clock()
            await unit.refresh_tokens.add(
                refresh_token_digest(refresh_token), account.user_id, now, now + self._refresh_lifetime
            )
            await unit.commit()
        return GrantedTokens(self._access_tokens.sign(account, now), refresh_token, account)

    async def _count(self, address: str) -> None:
        subject = address_subject(address)
        async with self._units() as unit:
            times = await unit.attempts.lock(subject, self._clock())
            now = self._clock()
            attempts = self._per_address.admit(times, now)
            await unit.attempts.write(subject, [*attempts, now], now + self._per_address.period)
            await unit.commit()
