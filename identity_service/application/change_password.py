"""Replaces the caller's password."""

from __future__ import annotations

from identity_service.application.credential_check import CredentialCheck
from identity_service.application.entrance import Entrance
from identity_service.application.ports import Clock, Hear, Passwords, UnitOfWorkFactory
from identity_service.application.request_seal import RequestSeal
from identity_service.domain.accounts import Account, normalised_password
from identity_service.domain.attempts import FailureLimits, session_subject
from identity_service.domain.errors import AccountNotFoundError
from identity_service.domain.passwords import PasswordRules
from service_kit.call import Call
from service_kit.errors import TokenEndedError


class ChangePassword:
    """Sets a new password and ends every token of the account, the caller's own too."""

    def __init__(
        self,
        units: UnitOfWorkFactory,
        check: CredentialCheck,
        passwords: Passwords,
        seal: RequestSeal,
        hear: Hear,
        *,
        clock: Clock,
        entrance: Entrance,
        failures: FailureLimits,
        rules: PasswordRules,
    ) -> None:
        self._units = units
        self._check = check
        self._passwords = passwords
        self._seal = seal
        self._hear = hear
        self._clock = clock
        self._entrance = entrance
        self._failures = failures
        self._rules = rules

    async def __call__(self, call: Call, current_password: str, new_password: str) -> None:
        """Raises CredentialsInvalidError, PasswordTooCommonError, AccountNotFoundError, TokenEndedError.

        TooManyAttemptsError only for failures within the account's sessions:
        log-ins that failed keep nobody from it. TooManyAtOnceError.
        """
        sealed = self._seal(call)
        async with self._units() as unit:
            # A repeat of a change that succeeded brings a password that is no longer right.
            if await unit.idempotency.claim(sealed, bool):
                return
            account = await unit.accounts.get(call.user_id)
        if call.ended:
            raise TokenEndedError
        if account is None:
            raise AccountNotFoundError
        self._rules.check("new_password", new_password, account.email)
        async with self._entrance.place(session_subject(account.user_id)):
            await self._change(sealed, account, current_password, new_password)
        await self._hear()

    async def _change(self, sealed: Call, account: Account, current: str, new: str) -> None:
        counters = self._failures.of_session(account.user_id)
        examined = await self._check.examine(account.email, current, counters)
        password_hash = await self._passwords.hash(normalised_password(new))
        async with self._units() as unit:
            if await unit.idempotency.claim(sealed, bool):
                return
            await self._check.decide(unit, examined)
            await unit.accounts.set_password_hash(account.user_id, password_hash)
            await unit.refresh_tokens.revoke_all(account.user_id)
            await unit.accounts.end_access_tokens(account.user_id, self._clock())
            await unit.idempotency.remember(sealed, True, bool)
            await unit.commit()
