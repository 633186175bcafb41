"""Erases the caller everywhere."""

from __future__ import annotations

from identity_service.application.credential_check import CredentialCheck
from identity_service.application.entrance import Entrance
from identity_service.application.forgetting import Forgetting
from identity_service.application.ports import Clock, Hear, UnitOfWorkFactory
from identity_service.domain.accounts import Account
from identity_service.domain.attempts import FailureLimits, account_subject, session_subject
from identity_service.domain.erasure import Erasure
from identity_service.domain.errors import AccountNotFoundError
from service_kit.call import Call
from service_kit.errors import TokenEndedError


class EraseMe:
    """Deletes the caller's account for good, then has every service forget the person.

    A service that is away forgets later; the receipt says so. Idempotent: an
    erased account gets its receipt, for its token proves whose it was.
    """

    def __init__(
        self,
        units: UnitOfWorkFactory,
        check: CredentialCheck,
        forgetting: Forgetting,
        clock: Clock,
        *,
        hear: Hear,
        entrance: Entrance,
        failures: FailureLimits,
    ) -> None:
        self._units = units
        self._check = check
        self._forgetting = forgetting
        self._clock = clock
        self._hear = hear
        self._entrance = entrance
        self._failures = failures

    async def __call__(self, call: Call, password: str) -> Erasure:
        """Raises CredentialsInvalidError, AccountNotFoundError, TooManyAtOnceError, TokenEndedError.

        TooManyAttemptsError for failures within the account's sessions.
        """
        async with self._units() as unit:
            # In this order: what is erased in between has its receipt.
            account = await unit.accounts.get(call.user_id)
            erasure = await unit.erasures.of_account(call.user_id)
        if erasure is None:
            if call.ended:
                raise TokenEndedError
            if account is None:
                raise AccountNotFoundError
            erasure = await self._begin(account, password)
            await self._hear()
        return await self._forgetting.carry_on(erasure)

    async def _begin(self, account: Account, password: str) -> Erasure:
        counters = self._failures.of_session(account.user_id)
        async with self._entrance.place(session_subject(account.user_id)):
            examined = await self._check.examine(account.email, password, counters)
        async with self._units() as unit:
            # A verdict would be on nobody: whoever asks twice at once is told what the first one did.
            await unit.attempts.lock(account_subject(account.email), self._clock())
            earlier = await unit.erasures.of_account(account.user_id)
            if earlier is not None:
                return earlier
            erasure = await self._forgetting.begin(unit, await self._check.decide(unit, examined))
            await unit.commit()
        return erasure
