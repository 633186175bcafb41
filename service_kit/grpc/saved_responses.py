"""Gives a repeated request its first response, whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from service_kit.call import Call
from service_kit.logging import get_logger
from service_kit.once import Headers, SavedResponse, SavedResponses

log = get_logger(__name__)

Handle = Callable[[], Awaitable[SavedResponse]]


class HeldContext:
    """A call's context that holds back the headers: they are a part of the response."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self.headers: Headers = ()

    async def send_initial_metadata(self, metadata: Sequence[tuple[str, str]]) -> None:
        """Adds to the headers of the response."""
        self.headers += tuple(metadata)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


async def respond_once(responses: SavedResponses, call: Call, handle: Handle) -> SavedResponse:
    """Returns the response that the same request got before, or handles it and keeps the response.

    When the first response was not kept, because the process ended between
    the commit and now, `handle` makes it anew of the outcome that was.
    """
    if call.request is None:
        return await handle()
    return await responses.find(call) or await _keep(responses, call, await handle())


async def _keep(responses: SavedResponses, call: Call, response: SavedResponse) -> SavedResponse:
    try:
        return await responses.keep(call, response)
    except Exception as error:
        # What the request asked for is done, and who asked should hear so.
        log.warning("response_not_kept", error=repr(error))
        return response
