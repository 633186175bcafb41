"""Erases a person everywhere, for an operator."""

from __future__ import annotations

from identity_service.application.forgetting import Forgetting
from identity_service.application.ports import Clock, Hear, UnitOfWorkFactory
from identity_service.domain.attempts import account_subject
from identity_service.domain.erasure import Erasure
from identity_service.domain.errors import AccountNotFoundError


class EraseAccount:
    """Does what EraseMe does, without a password. Idempotent: an erased account gets its receipt."""

    def __init__(self, units: UnitOfWorkFactory, forgetting: Forgetting, hear: Hear, clock: Clock) -> None:
        self._units = units
        self._forgetting = forgetting
        self._hear = hear
        self._clock = clock

    async def __call__(self, user_id: int) -> Erasure:
        """Raises AccountNotFoundError."""
        erasure = await self._erasure(user_id)
        await self._hear()
        return await self._forgetting.carry_on(erasure)

    async def _erasure(self, user_id: int) -> Erasure:
        async with self._units() as unit:
            account = await unit.accounts.get(user_id)
            if account is not None:
                # As a log-in does: one that is under way is done by then, the next finds no account.
                await unit.attempts.lock(account_subject(account.email), self._clock())
                account = await unit.accounts.get(user_id)
            if account is not None:
                erasure = await self._forgetting.begin(unit, account)
                await unit.commit()
                return erasure
            earlier = await unit.erasures.of_account(user_id)
        if earlier is None:
            raise AccountNotFoundError
        return earlier
