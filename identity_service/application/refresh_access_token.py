"""Makes a new access token from a refresh token."""

from __future__ import annotations

from identity_service.application.ports import AccessTokens, Clock, UnitOfWorkFactory
from identity_service.application.tokens import GrantedTokens, refresh_token_digest
from identity_service.domain.errors import RefreshTokenInvalidError


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
