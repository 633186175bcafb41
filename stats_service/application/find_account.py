"""Tells whether there is anything to say about an account."""

from __future__ import annotations

from stats_service.application.ports.explanations import ExplanationReader
from stats_service.domain.errors import AccountNotFoundError


class FindAccount:
    """Looks for an account; changes nothing. Accounts are another context's: here they are known by facts."""

    def __init__(self, reader: ExplanationReader) -> None:
        self._reader = reader

    async def __call__(self, user_id: int) -> None:
        """Raises AccountNotFoundError for one of whom nothing was ever told or recorded."""
        if not await self._reader.is_known(user_id):
            raise AccountNotFoundError
