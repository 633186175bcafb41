"""Erases the caller everywhere."""

from __future__ import annotations

from identity_service.application.credential_check import CredentialCheck
from identity_service.application.forgetting import Forgetting
from identity_service.application.ports import UnitOfWorkFactory
from identity_service.domain.erasure import Erasure
from identity_service.domain.errors import AccountNotFoundError
from service_kit.call import Call


class EraseMe:
    """Deletes the caller's account for good, then has every service forget the person.

    A service that is away forgets later; the receipt says so. Idempotent: an
    erased account gets its receipt, for its token proves whose it was.
    """

    def __init__(self, units: UnitOfWorkFactory, check: CredentialCheck, forgetting: Forgetting) -> None:
        self._units = units
        self._check = check
        self._forgetting = forgetting

    async def __call__(self, call: Call, password: str) -> Erasure:
        """Raises CredentialsInvalidError, TooManyAttemptsError, AccountNotFoundError."""
        async with self._units() as unit:
            erasure = await unit.erasures.of_account(call.user_id)
            account = await unit.accounts.get(call.user_id)
        if erasure is None:
            if account is None:
                raise AccountNotFoundError
            erasure = await self._begin(account.email, password)
        return await self._forgetting.carry_on(erasure)

    async def _begin(self, email: str, password: str) -> Erasure:
        examined = await self._check.examine(email, password)
        async with self._units() as unit:
            account = await self._check.decide(unit, examined)
            erasure = await self._forgetting.begin(unit, account)
            await unit.commit()
        return erasure
