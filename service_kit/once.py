"""Runs a command exactly once, however often its request arrives.

The outcome of a command and the response made of it are kept under the
request's idempotency key, and given again to a repeated request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from service_kit.call import Call

Outcome = TypeVar("Outcome")
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SavedResponse:
    """A finished response: the message as bytes, and the headers sent before it."""

    message: bytes
    headers: Headers = ()


class SavedResponses(Protocol):
    """The responses to requests that may be sent again."""

    async def find(self, call: Call) -> SavedResponse | None:
        """Returns the response that the same request got before, None for a new one."""

    async def keep(self, call: Call, response: SavedResponse) -> SavedResponse:
        """Keeps the response to a request that changed something; returns the first that was kept."""


class Idempotency(Protocol):
    """The outcomes of requests that may be sent again."""

    async def claim(self, call: Call, outcome_type: type[Outcome]) -> Outcome | None:
        """Returns the first outcome of a repeated request, None for a new one."""

    async def remember(self, call: Call, outcome: Any, outcome_type: type[Any]) -> None:
        """Stores a request's outcome."""


class Transaction(Protocol):
    """What a service's unit of work has at least. Leaving it without a commit undoes everything."""

    @property
    def idempotency(self) -> Idempotency:
        """The outcomes of requests that may be sent again."""

    async def commit(self) -> None:
        """Makes the work durable."""


Work = TypeVar("Work", bound=Transaction)


async def once(
    units: Callable[[], AbstractAsyncContextManager[Work]],
    call: Call,
    outcome_type: type[Outcome],
    command: Callable[[Work], Awaitable[Outcome]],
) -> Outcome:
    """Runs `command` in one transaction and commits; a repeated request gets its first outcome.

    The idempotency key, the effect and the outcome are one commit: what fails
    leaves no key behind. Raises ConflictError with IDEMPOTENCY_KEY_REUSED
    when the key came with another request, and whatever the command raises.
    """
    async with units() as work:
        earlier = await work.idempotency.claim(call, outcome_type)
        if earlier is not None:
            return earlier
        outcome = await command(work)
        await work.idempotency.remember(call, outcome, outcome_type)
        await work.commit()
        return outcome
