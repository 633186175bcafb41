"""Decides whether a password is an account's, within the limit of failures.

Whoever asks says what a failure counts towards. Hashing
happens outside of any transaction; the verdict is given in one, under the
lock of the account. Of any number of attempts at the same time,
exactly as many are judged as the limit allows: the others are refused before
they could learn anything. The record is in PostgreSQL because Redis may lose
it, and a lost record is free guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from identity_service.application.ports.accounts import StoredAccount
from identity_service.application.ports.crypto import Passwords
from identity_service.application.ports.unit_of_work import Clock, UnitOfWork, UnitOfWorkFactory
from identity_service.domain.accounts import Account, normalised_password
from identity_service.domain.attempts import Counter, account_subject
from identity_service.domain.errors import CredentialsInvalidError


@dataclass(frozen=True, slots=True)
class Examined:
    """A password that was compared; `stored` is the account it belongs to, if any."""

    email: str
    counters: Sequence[Counter]
    stored: StoredAccount | None


class CredentialCheck:
    """Compares, then gives the verdict."""

    def __init__(self, units: UnitOfWorkFactory, passwords: Passwords, clock: Clock) -> None:
        self._units = units
        self._passwords = passwords
        self._clock = clock

    async def examine(self, email: str, password: str, counters: Sequence[Counter]) -> Examined:
        """Compares a password with the account of a normalised email.

        An unknown email costs what a known one does. Raises
        TooManyAttemptsError when no verdict could be given anyway.
        """
        async with self._units() as unit:
            for counter in counters:
                counter.limit.admit(await unit.attempts.read(counter.subject), self._clock())
            stored = await unit.accounts.find(email)
        password_hash = stored.password_hash if stored else None
        matches = await self._passwords.matches(password_hash, normalised_password(password))
        return Examined(email, counters, stored if matches else None)

    async def decide(self, unit: UnitOfWork, examined: Examined) -> Account:
        """Returns the account when the password is still its own; no other verdict on it until the commit.

        Otherwise undoes the transaction, commits the failure alone and raises
        CredentialsInvalidError. Raises TooManyAttemptsError, whatever the
        password, once a limit is reached.
        """
        await self._failures(unit, examined)
        stored, now_stored = examined.stored, await unit.accounts.find(examined.email)
        # The password may have been changed since it was compared.
        if stored and now_stored and stored.password_hash == now_stored.password_hash:
            return now_stored.account
        await unit.rollback()
        failures, now = await self._failures(unit, examined)
        for counter, times in zip(examined.counters, failures, strict=True):
            await unit.attempts.write(counter.subject, [*times, now], now + counter.limit.period)
        await unit.commit()
        raise CredentialsInvalidError

    async def _failures(self, unit: UnitOfWork, examined: Examined) -> tuple[list[list[datetime]], datetime]:
        # First, whatever is counted: one verdict on an account at a time.
        await unit.attempts.lock(account_subject(examined.email), self._clock())
        times = [await unit.attempts.lock(counter.subject, self._clock()) for counter in examined.counters]
        # After the locks: attempts are in the order in which they got them.
        now = self._clock()
        return [
            counter.limit.admit(each, now) for counter, each in zip(examined.counters, times, strict=True)
        ], now
