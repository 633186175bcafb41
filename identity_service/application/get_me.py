"""Shows callers their account."""

from __future__ import annotations

from identity_service.application.ports import UnitOfWorkFactory
from identity_service.domain.accounts import Account
from identity_service.domain.errors import AccountNotFoundError
from service_kit.call import Call


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
