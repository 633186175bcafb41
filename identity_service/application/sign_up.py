"""Makes an account."""

from __future__ import annotations

from dataclasses import dataclass, replace

from identity_service.application.ports import Clock, Passwords, UnitOfWorkFactory
from identity_service.application.request_seal import RequestSeal
from identity_service.domain.accounts import (
    Account,
    normalised_email,
    normalised_given_name,
    normalised_name,
    normalised_password,
)
from identity_service.domain.errors import EmailTakenError
from service_kit.call import Call


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a person signs up with."""

    first_name: str
    last_name: str
    email: str
    password: str


class SignUp:
    """Makes an account; the same key and request again get the same account.

    All keys share one space. Taking another's key
    with another request is refused, and with the same request shows what the
    caller knew: the request holds the password.
    """

    def __init__(
        self, units: UnitOfWorkFactory, passwords: Passwords, seal: RequestSeal, clock: Clock
    ) -> None:
        self._units = units
        self._passwords = passwords
        self._seal = seal
        self._clock = clock

    async def __call__(self, call: Call, wanted: NewAccount) -> Account:
        """Raises NameInvalidError, EmailTakenError, or ConflictError with IDEMPOTENCY_KEY_REUSED."""
        first_name = normalised_given_name("first_name", wanted.first_name)
        last_name = normalised_name("last_name", wanted.last_name)
        # Whoever signs up is nobody yet, whatever token a client still sends along.
        sealed = self._seal(replace(call, user_id=0))
        password_hash = await self._passwords.hash(normalised_password(wanted.password))
        async with self._units() as unit:
            made_before = await unit.idempotency.claim(sealed, Account)
            if made_before is not None:
                return made_before
            account = await unit.accounts.add(
                first_name=first_name,
                last_name=last_name,
                email=normalised_email(wanted.email),
                password_hash=password_hash,
                now=self._clock(),
            )
            if account is None:
                raise EmailTakenError
            await unit.idempotency.remember(sealed, account, Account)
            await unit.commit()
        return account
