"""Runs a command exactly once, however often its request arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from service_kit.call import Call
from session_service.application.ports import UnitOfWork, UnitOfWorkFactory

Outcome = TypeVar("Outcome")


async def once(
    unit_of_work: UnitOfWorkFactory,
    call: Call,
    outcome_type: type[Outcome],
    command: Callable[[UnitOfWork], Awaitable[Outcome]],
) -> Outcome:
    """Runs `command` in one transaction and commits; a repeated request gets its first outcome.

    The idempotency key, the effect and the outcome are one commit: what fails
    leaves no key behind. Raises ConflictError when the key came with another
    request, and whatever the command raises.
    """
    async with unit_of_work() as work:
        earlier = await work.idempotency.claim(call, outcome_type)
        if earlier is not None:
            return earlier
        outcome = await command(work)
        await work.idempotency.remember(call, outcome, outcome_type)
        await work.commit()
        return outcome
