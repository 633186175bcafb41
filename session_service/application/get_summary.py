"""Sums up a user's sessions of a product."""

from __future__ import annotations

from service_kit.call import Call
from session_service.application.ports.reading import Readers
from session_service.application.ports.sessions import Summary
from session_service.domain.policies import policy_of


class GetSummary:
    """Reads figures over the caller's sessions, the last commit included. Raises ProductUnknownError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, product: str) -> Summary:
        """Returns the figures."""
        return await self._readers.summary(call.user_id, policy_of(product).product)
