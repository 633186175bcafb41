"""Ends refresh tokens."""

from __future__ import annotations

from identity_service.application.ports import Clock, Hear, UnitOfWorkFactory
from identity_service.application.tokens import refresh_token_digest
from service_kit.call import Call
from service_kit.errors import TokenEndedError


class LogOut:
    """Revokes one refresh token of the caller, or all of them and every access token. Idempotent.

    The access token of a log-in that is ended alone runs out by itself.
    """

    def __init__(self, units: UnitOfWorkFactory, hear: Hear, clock: Clock) -> None:
        self._units = units
        self._hear = hear
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
        await self._hear()
