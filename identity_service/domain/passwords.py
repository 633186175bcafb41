"""Rules of passwords."""

from __future__ import annotations

from dataclasses import dataclass

from identity_service.domain.accounts import normalised_password
from identity_service.domain.errors import PasswordTooCommonError


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """Refuses what is guessed first. `common` has passwords in lower case."""

    common: frozenset[str]

    def check(self, field: str, password: str, email: str) -> None:
        """Raises PasswordTooCommonError for white space, one character repeated, the email, a common one.

        Capitals and white space around it make no better password.
        """
        guessed = normalised_password(password).strip().casefold()
        if len(set(guessed)) <= 1 or guessed in (email, email.partition("@")[0]) or guessed in self.common:
            raise PasswordTooCommonError(field)
