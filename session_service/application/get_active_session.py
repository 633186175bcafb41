"""Returns the session that is open now."""

from __future__ import annotations

from service_kit.call import Call
from session_service.application.ports.reading import Readers
from session_service.domain.policies import policy_of
from session_service.domain.practice_session import PracticeSession


class GetActiveSession:
    """Reads the caller's newest open session of a product. Raises ProductUnknownError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, product: str, content: str = "") -> PracticeSession | None:
        """Returns the session, None when none is open."""
        return await self._readers.active(call.user_id, policy_of(product).product, content)
