"""Events that leave the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from session_service.domain.events import Event


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event on its way: its kind, which says who takes it, and its bytes."""

    kind: str
    payload: bytes


class Outbox(Protocol):
    """Events that leave the service once the transaction is committed."""

    async def add(self, *events: Event) -> None:
        """Stores events to be published."""
