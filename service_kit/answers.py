"""Answers as they were given, to be given again to a repeated request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from service_kit.call import Call

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer: the response as bytes, and the headers sent before it."""

    message: bytes
    headers: Headers = ()


class Answers(Protocol):
    """The answers to requests that may be sent again."""

    async def find(self, call: Call) -> Answer | None:
        """Returns the answer that the same request got before, None for a new one."""

    async def keep(self, call: Call, answer: Answer) -> Answer:
        """Keeps the answer to a request that changed something; returns the first that was kept."""
