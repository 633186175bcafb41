"""Events that leave the service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from session_service.domain.events import Event


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event on its way: its kind, which says who takes it, its bytes, and the request that made it.

    Right after its commit its place among the learner's events is known, too.
    """

    event_id: UUID
    kind: str
    payload: bytes
    request_id: str = ""
    user_id: int = 0
    user_seq: int = 0


class Outbox(Protocol):
    """Events that leave the service once the transaction is committed."""

    async def add(self, *events: Event) -> None:
        """Stores events to be published."""


class Publisher(Protocol):
    """Sends events to the queue. Raises UnavailableError when it cannot."""

    async def publish(self, events: Sequence[Outgoing]) -> None:
        """Returns when the broker has them, which proves nothing about the consumer."""

    async def waiting(self) -> int:
        """Returns how many messages no consumer has yet."""
