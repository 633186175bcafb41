"""Tells operators whose account is whose."""

from __future__ import annotations

from identity_service.application.ports import UnitOfWorkFactory
from identity_service.domain.accounts import Account, normalised_email
from identity_service.domain.errors import AccountNotFoundError


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
