"""Has every other service forget a person whose account is gone.

The account is erased and the wish to be forgotten is on record before anybody
is asked, so whatever is killed or away, somebody asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from identity_service.application.ports import (
    Clock,
    PersonalDataClient,
    Unanswered,
    UnitOfWork,
    UnitOfWorkFactory,
)
from identity_service.domain.accounts import Account
from identity_service.domain.erasure import Erasure
from service_kit.errors import UnavailableError

log = structlog.get_logger(__name__)

# Who called waits for the other services so long; then it is finished without them.
_WAIT = timedelta(seconds=8)


class Forgetting:
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
        """Has one service forget the person, and notes its answer; without one, it is asked again."""
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
