"""Erasures: a saga that deletes an account and has every other service forget the user.

The account is erased and the wish to be forgotten is on record before anybody
is asked, so whatever is killed or away, somebody asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from identity_service.application.admission import AdmissionGate
from identity_service.application.credential_check import CredentialCheck
from identity_service.application.ports.erasures import PersonalDataClient, Unanswered
from identity_service.application.ports.unit_of_work import (
    Clock,
    RefreshRevocations,
    UnitOfWork,
    UnitOfWorkFactory,
)
from identity_service.domain.accounts import Account
from identity_service.domain.attempts import FailureLimits, account_subject, session_subject
from identity_service.domain.erasure import Erasure
from identity_service.domain.errors import AccountNotFoundError, ReceiptNotFoundError
from service_kit.call import Call
from service_kit.errors import TokenEndedError, UnavailableError
from service_kit.logging import get_logger

log = get_logger(__name__)

# Who called waits for the other services so long; then it is finished without them.
_WAIT = timedelta(seconds=8)
# Below what a service takes at most for a call; what it has done by then stays done.
_AT_MOST = timedelta(seconds=12)


class ErasureSaga:
    """Begins erasures and carries them on."""

    def __init__(
        self, units: UnitOfWorkFactory, clients: Mapping[str, PersonalDataClient], clock: Clock
    ) -> None:
        self._units = units
        self._clients = clients
        self._clock = clock

    async def begin(self, unit: UnitOfWork, account: Account) -> Erasure:
        """Erases the account in the caller's transaction."""
        now = self._clock()
        # Nobody else asks while the caller waits.
        return await unit.erasures.begin(account, sorted(self._clients), now, now + 2 * _WAIT)

    async def carry_on(self, erasure: Erasure) -> Erasure:
        """Asks at once everybody who has not answered, and returns what is known after a while."""
        unanswered = [
            Unanswered(erasure.receipt_id, erasure.user_id, service) for service in erasure.unanswered
        ]
        if not unanswered:
            return erasure
        await asyncio.gather(*(self.ask(each, _WAIT) for each in unanswered))
        async with self._units() as unit:
            return await unit.erasures.get(erasure.receipt_id) or erasure

    async def ask(self, unanswered: Unanswered, at_most: timedelta) -> None:
        """Has one service forget the user, and notes its answer; without one, it is asked again."""
        request_id = str(unanswered.receipt_id)
        try:
            client = self._clients[unanswered.service]
            report = await client.erase(unanswered.user_id, request_id, at_most.total_seconds())
        except UnavailableError as error:
            log.warning("not_forgotten_yet", service=unanswered.service, error=error.message)
            return
        now: datetime = self._clock()
        async with self._units() as unit:
            await unit.erasures.answer(unanswered.receipt_id, unanswered.service, report, now)
            await unit.commit()


class EraseMe:
    """Deletes the caller's account for good, then has every service forget the user.

    A service that is away forgets later; the receipt says so. Idempotent: an
    erased account gets its receipt, for its token proves whose it was.
    """

    def __init__(
        self,
        units: UnitOfWorkFactory,
        check: CredentialCheck,
        saga: ErasureSaga,
        clock: Clock,
        *,
        refresh_revocations: RefreshRevocations,
        gate: AdmissionGate,
        failures: FailureLimits,
    ) -> None:
        self._units = units
        self._check = check
        self._saga = saga
        self._clock = clock
        self._refresh_revocations = refresh_revocations
        self._gate = gate
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
            await self._refresh_revocations()
        return await self._saga.carry_on(erasure)

    async def _begin(self, account: Account, password: str) -> Erasure:
        counters = self._failures.of_session(account.user_id)
        async with self._gate.enter(session_subject(account.user_id)):
            examined = await self._check.examine(account.email, password, counters)
        async with self._units() as unit:
            # A verdict would be on nobody: whoever asks twice at once is told what the first one did.
            await unit.attempts.lock(account_subject(account.email), self._clock())
            earlier = await unit.erasures.of_account(account.user_id)
            if earlier is not None:
                return earlier
            erasure = await self._saga.begin(unit, await self._check.decide(unit, examined))
            await unit.commit()
        return erasure


class EraseAccount:
    """Does what EraseMe does, without a password. Idempotent: an erased account gets its receipt."""

    def __init__(
        self,
        units: UnitOfWorkFactory,
        saga: ErasureSaga,
        refresh_revocations: RefreshRevocations,
        clock: Clock,
    ) -> None:
        self._units = units
        self._saga = saga
        self._refresh_revocations = refresh_revocations
        self._clock = clock

    async def __call__(self, user_id: int) -> Erasure:
        """Raises AccountNotFoundError."""
        erasure = await self._erasure(user_id)
        await self._refresh_revocations()
        return await self._saga.carry_on(erasure)

    async def _erasure(self, user_id: int) -> Erasure:
        async with self._units() as unit:
            account = await unit.accounts.get(user_id)
            if account is not None:
                # As a log-in does: one that is under way is done by then, the next finds no account.
                await unit.attempts.lock(account_subject(account.email), self._clock())
                account = await unit.accounts.get(user_id)
            if account is not None:
                erasure = await self._saga.begin(unit, account)
                await unit.commit()
                return erasure
            earlier = await unit.erasures.of_account(user_id)
        if earlier is None:
            raise AccountNotFoundError
        return earlier


class GetErasureReceipt:
    """Returns what is known of an erasure."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, receipt_id: UUID) -> Erasure:
        """Raises ReceiptNotFoundError."""
        async with self._units() as unit:
            erasure = await unit.erasures.get(receipt_id)
        if erasure is None:
            raise ReceiptNotFoundError(receipt_id)
        return erasure


class FinishErasures:
    """Carries on erasures that a crash or an outage has broken off.

    Each service is asked less and less often, at least every five minutes.
    Any number of copies may run it.
    """

    def __init__(self, units: UnitOfWorkFactory, saga: ErasureSaga, clock: Clock) -> None:
        self._units = units
        self._saga = saga
        self._clock = clock

    async def __call__(self) -> None:
        """Idempotent."""
        async with self._units() as unit:
            due = await unit.erasures.claim_due(self._clock())
            await unit.commit()
        await asyncio.gather(*(self._saga.ask(each, _AT_MOST) for each in due))
