"""Runs a command exactly once, however often its request arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from catalog_service.application.ports import UnitOfWork, UnitOfWorkFactory
from service_kit.call import Call

Outcome = TypeVar("Outcome")


async def once(
    units: UnitOfWorkFactory,
    call: Call,
    outcome_type: type[Outcome],
    command: Callable[[UnitOfWork], Awaitable[Outcome]],
) -> Outcome:
    """Runs `command` in one transaction and commits; a repeated request gets its first outcome.

    Raises ConflictError with IDEMPOTENCY_KEY_REUSED when the key came with
    another request, and whatever the command raises; then no key is left.
    """
    async with units() as unit:
        earlier = await unit.idempotency.claim(call, outcome_type)
        if earlier is not None:
            return earlier
        outcome = await command(unit)
        await unit.idempotency.remember(call, outcome, outcome_type)
        await unit.commit()
        return outcome
