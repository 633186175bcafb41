"""One way to call both clients: what a test says is done without an event loop, and with one."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

# Does something with a client of a kind: `ask(url, lambda practice: practice.v1.get_me())`.
Ask = Callable[..., Any]


def sync_ask(package: Any) -> Ask:
    """Returns a way to ask through `Practice`."""

    def ask(url: str, *steps: Callable[[Any], Any], **settings: Any) -> Any:
        with package.Practice(url, **settings) as practice:
            told = [_listed(step(practice)) for step in steps]
        return told[-1]

    return ask


def async_ask(package: Any) -> Ask:
    """Returns a way to ask through `AsyncPractice`."""

    def ask(url: str, *steps: Callable[[Any], Any], **settings: Any) -> Any:
        async def play() -> Any:
            told = None
            async with package.AsyncPractice(url, **settings) as practice:
                for step in steps:
                    answer = step(practice)
                    if inspect.isasyncgen(answer):
                        told = [each async for each in answer]
                    else:
                        told = await answer if inspect.isawaitable(answer) else answer
            return told

        return asyncio.run(play())

    return ask


def _listed(answer: Any) -> Any:
    return list(answer) if inspect.isgenerator(answer) else answer
