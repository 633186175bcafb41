"""Gives a repeated request its first answer, whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from service_kit.answers import Answer, Answers, Headers
from service_kit.call import Call

log = structlog.get_logger(__name__)

Handle = Callable[[], Awaitable[Answer]]


class HeldContext:
    """A call's context that holds back the headers: they are a part of the answer."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self.headers: Headers = ()

    async def send_initial_metadata(self, metadata: Sequence[tuple[str, str]]) -> None:
        """Adds to the headers of the answer."""
        self.headers += tuple(metadata)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


async def answer_once(answers: Answers, call: Call, handle: Handle) -> Answer:
    """Returns the answer that the same request got before, or handles it and keeps the answer.

    When the first answer was not kept, because the process ended between
    the commit and now, `handle` makes it anew of the outcome that was.
    """
    if call.request is None:
        return await handle()
    return await answers.find(call) or await _keep(answers, call, await handle())


async def _keep(answers: Answers, call: Call, answer: Answer) -> Answer:
    try:
        return await answers.keep(call, answer)
    except Exception as error:
        # What the request asked for is done, and who asked should hear so.
        log.warning("answer_not_kept", error=repr(error))
        return answer
