"""Exchanges an email and a password for tokens."""

from __future__ import annotations

from datetime import timedelta

from identity_service.application.address_limit import AddressLimit
from identity_service.application.credential_check import CredentialCheck
from identity_service.application.entrance import Entrance
from identity_service.application.ports import AccessTokens, Clock, UnitOfWorkFactory
from identity_service.application.tokens import GrantedTokens, new_refresh_token, refresh_token_digest
from identity_service.domain.accounts import normalised_email
from identity_service.domain.attempts import FailureLimits, address_subject


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
        entrance: Entrance,
        per_address: AddressLimit,
        failures: FailureLimits,
        refresh_lifetime: timedelta,
    ) -> None:
        self._units = units
        self._check = check
        self._access_tokens = access_tokens
        self._clock = clock
        self._entrance = entrance
        self._per_address = per_address
        self._failures = failures
        self._refresh_lifetime = refresh_lifetime

    async def __call__(self, email: str, password: str, address: str) -> GrantedTokens:
        """Raises CredentialsInvalidError, TooManyAtOnceError, or TooManyAttemptsError.

        The last of them for the account, the address, or both together.
        """
        subject = address_subject(address)
        async with self._entrance.place(subject):
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
