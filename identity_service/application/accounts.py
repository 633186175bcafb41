"""Signs up, shows and finds accounts, and changes their passwords."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace

from identity_service.application.admission import AddressLimit, AdmissionGate
from identity_service.application.credential_check import CredentialCheck
from identity_service.application.ports.crypto import Passwords
from identity_service.application.ports.unit_of_work import Clock, RefreshRevocations, UnitOfWorkFactory
from identity_service.domain.accounts import (
    Account,
    normalised_email,
    normalised_given_name,
    normalised_name,
    normalised_password,
)
from identity_service.domain.attempts import FailureLimits, session_subject, sign_up_subject
from identity_service.domain.errors import AccountNotFoundError, EmailTakenError
from identity_service.domain.passwords import PasswordRules
from service_kit.call import Call
from service_kit.errors import TokenEndedError


class RequestSeal:
    """Replaces request digests by keyed ones, which keeps passwords out of the idempotency record.

    The record holds a digest of the request to tell a repeat from another
    request. A plain digest of a request with a password lets whoever reads the
    table try passwords millions of times a second; a keyed one tells them
    nothing. The key comes from the signing key, so a repeat that arrives after a
    rotation counts as another request and is refused.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, call: Call) -> Call:
        """Returns the call with the digest that may be stored."""
        if call.request is None:
            return call
        sealed = hmac.digest(self._key, call.request.digest, "sha256")
        return replace(call, request=replace(call.request, digest=sealed))


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a user signs up with."""

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
        gate: AdmissionGate,
        per_address: AddressLimit,
        rules: PasswordRules,
    ) -> None:
        self._units = units
        self._passwords = passwords
        self._seal = seal
        self._clock = clock
        self._gate = gate
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
        async with self._gate.enter(subject):
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


class GetMe:
    """Returns the caller's account."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, call: Call) -> Account:
        """Raises AccountNotFoundError when the token outlived its account."""
        async with self._units() as unit:
            account = await unit.accounts.get(call.user_id)
        if account is None:
            raise AccountNotFoundError
        return account


class FindAccount:
    """Returns the account with a number or an email."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, who: int | str) -> Account:
        """Raises AccountNotFoundError."""
        async with self._units() as unit:
            if isinstance(who, int):
                account = await unit.accounts.get(who)
            else:
                stored = await unit.accounts.find(normalised_email(who))
                account = stored.account if stored else None
        if account is None:
            raise AccountNotFoundError
        return account


class ChangePassword:
    """Sets a new password and ends every token of the account, the caller's own too."""

    def __init__(
        self,
        units: UnitOfWorkFactory,
        check: CredentialCheck,
        passwords: Passwords,
        seal: RequestSeal,
        refresh_revocations: RefreshRevocations,
        *,
        clock: Clock,
        gate: AdmissionGate,
        failures: FailureLimits,
        rules: PasswordRules,
    ) -> None:
        self._units = units
        self._check = check
        self._passwords = passwords
        self._seal = seal
        self._refresh_revocations = refresh_revocations
        self._clock = clock
        self._gate = gate
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
        async with self._gate.enter(session_subject(account.user_id)):
            await self._change(sealed, account, current_password, new_password)
        await self._refresh_revocations()

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
