"""Replaces the caller's password."""

from __future__ import annotations

from identity_service.application.credential_check import CredentialCheck
from identity_service.application.ports import Passwords, UnitOfWorkFactory
from identity_service.application.request_seal import RequestSeal
from identity_service.domain.accounts import normalised_password
from identity_service.domain.errors import AccountNotFoundError
from service_kit.call import Call


class ChangePassword:
    """Sets a new password and revokes every refresh token of the account."""

    def __init__(
        self,
        units: UnitOfWorkFactory,
        check: CredentialCheck,
        passwords: Passwords,
        seal: RequestSeal,
    ) -> None:
        self._units = units
        self._check = check
        self._passwords = passwords
        self._seal = seal

    async def __call__(self, call: Call, current_password: str, new_password: str) -> None:
        """Raises CredentialsInvalidError, TooManyAttemptsError, AccountNotFoundError."""
        sealed = self._seal(call)
        async with self._units() as unit:
            # A repeat of a change that succeeded brings a password that is no longer right.
            if await unit.idempotency.claim(sealed, bool):
                return
            account = await unit.accounts.get(call.user_id)
        if account is None:
            raise AccountNotFoundError
        examined = await self._check.examine(account.email, current_password)
        password_hash = await self._passwords.hash(normalised_password(new_password))
        async with self._units() as unit:
            if await unit.idempotency.claim(sealed, bool):
                return
            await self._check.decide(unit, examined)
            await unit.accounts.set_password_hash(account.user_id, password_hash)
            await unit.refresh_tokens.revoke_all(account.user_id)
            await unit.idempotency.remember(sealed, True, bool)
            await unit.commit()
