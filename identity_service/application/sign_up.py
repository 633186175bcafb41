"""Makes an account."""

from __future__ import annotations

from dataclasses import dataclass, replace

from identity_service.application.address_limit import AddressLimit
from identity_service.application.entrance import Entrance
from identity_service.application.ports import Clock, Passwords, UnitOfWorkFactory
from identity_service.application.request_seal import RequestSeal
from identity_service.domain.accounts import (
    Account,
    normalised_email,
    normalised_given_name,
    normalised_name,
    normalised_password,
)
from identity_service.domain.attempts import sign_up_subject
from identity_service.domain.errors import EmailTakenError
from identity_service.domain.passwords import PasswordRules
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
    caller knew: the request holds the password. An email that is taken is
    found before the password is hashed, which is no secret: the answer says
    so, and an address may ask only so often.
    """

    def __init__(
        self,
        units: UnitOfWorkFactory,
        passwords: Passwords,
        seal: RequestSeal,
        clock: Clock,
        *,
        entrance: Entrance,
        per_address: AddressLimit,
        rules: PasswordRules,
    ) -> None:
        self._units = units
        self._passwords = passwords
        self._seal = seal
        self._clock = clock
        self._entrance = entrance
        self._per_address = per_address
        self._rules = rules

    async def __call__(self, call: Call, wanted: NewAccount, address: str) -> Account:
        """Raises NameInvalidError, PasswordTooCommonError, EmailTakenError.

        TooManyAttemptsError for the address, TooManyAtOnceError, or
        ConflictError with IDEMPOTENCY_KEY_REUSED.
        """
        normal = NewAccount(
            first_name=normalised_given_name("first_name", wanted.first_name),
            last_name=normalised_name("last_name", wanted.last_name),
            email=normalised_email(wanted.email),
            password=normalised_password(wanted.password),
        )
        self._rules.check("password", normal.password, normal.email)
        # Whoever signs up is nobody yet, whatever token a client still sends along.
        sealed = self._seal(replace(call, user_id=0))
        subject = sign_up_subject(address)
        async with self._entrance.place(subject):
            await self._per_address.count(subject)
            return await self._made_before(sealed, normal.email) or await self._make(sealed, normal)

    async def _made_before(self, sealed: Call, email: str) -> Account | None:
        async with self._units() as unit:
            made_before = await unit.idempotency.claim(sealed, Account)
            if made_before is None and await unit.accounts.find(email) is not None:
                raise EmailTakenError
        return made_before

    async def _make(self, sealed: Call, wanted: NewAccount) -> Account:
        password_hash = await self._passwords.hash(wanted.password)
        async with self._units() as unit:
            made_before = await unit.idempotency.claim(sealed, Account)
            if made_before is not None:
                return made_before
            account = await unit.accounts.add(
                first_name=wanted.first_name,
                last_name=wanted.last_name,
                email=wanted.email,
                password_hash=password_hash,
                now=self._clock(),
            )
            if account is None:
                raise EmailTakenError
            await unit.idempotency.remember(sealed, account, Account)
            await unit.commit()
        return account
