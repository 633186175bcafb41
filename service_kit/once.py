"""Runs a command exactly once, however often its request arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from service_kit.call import Call

Outcome = TypeVar("Outcome")


class Idempotency(Protocol):
    """The answers to requests that may be sent again."""

    async def claim(self, call: Call, outcome_type: type[Outcome]) -> Outcome | None:
        """Returns the first outcome of a repeated request, None for a new one."""

    async def remember(self, call: Call, outcome: Any, outcome_type: type[Any]) -> None:
        """Stores a request's outcome."""


class Transaction(Protocol):
    """What a service's unit of work has at least. Leaving it without a commit undoes everything."""

    @property
    def idempotency(self) -> Idempotency:
        """The answers to requests that may be sent again."""

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
