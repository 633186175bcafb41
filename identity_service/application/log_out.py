"""Ends refresh tokens."""

from __future__ import annotations

from identity_service.application.ports import UnitOfWorkFactory
from identity_service.application.tokens import refresh_token_digest
from service_kit.call import Call


class LogOut:
    """Revokes one refresh token of the caller, or all of them. Idempotent.

    Access tokens already given run out by themselves.
    """

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, call: Call, refresh_token: str) -> None:
        """An empty token means all. A token that is not the caller's is left alone, without a word."""
        async with self._units() as unit:
            # Nothing is kept of an account that its token has outlived.
            if not await unit.accounts.hold(call.user_id):
                return
            if await unit.idempotency.claim(call, bool):
                return
            if refresh_token:
                await unit.refresh_tokens.revoke(call.user_id, refresh_token_digest(refresh_token))
            else:
                await unit.refresh_tokens.revoke_all(call.user_id)
            await unit.idempotency.remember(call, True, bool)
            await unit.commit()
