"""The tokens of a learner, renewed when they end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, replace

import httpx

_ENDED = "TOKEN_INVALID"


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token, and a refresh token that buys new ones; keep both to go on after a restart."""

    access: str
    refresh: str = ""


class TokenAuth(httpx.Auth):
    """Signs calls. When a token has ended it buys another and sends the call again, once."""

    def __init__(self, url: httpx.URL, tokens: Tokens | None, changed: Callable[[Tokens], None]) -> None:
        """`url` is where tokens are renewed; `changed` is told the new ones."""
        self._url = url
        self.tokens = tokens
        self._changed = changed

    def take(self, tokens: Tokens | None) -> None:
        """Signs with these from now on; with none calls go unsigned."""
        self.tokens = tokens
        if tokens is not None:
            self._changed(tokens)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Signs, sends, renews and sends again."""
        used = self._sign(request)
        answer = yield request
        if used is None or answer.headers.get("x-practice-reason") != _ENDED:
            return
        if self.tokens == used and used.refresh:
            renewed = yield self._renewal(used, request)
            renewed.read()
            self._renew(used, renewed)
        if self.tokens != used:
            self._sign(request)
            yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Does the same."""
        used = self._sign(request)
        answer = yield request
        if used is None or answer.headers.get("x-practice-reason") != _ENDED:
            return
        if self.tokens == used and used.refresh:
            renewed = yield self._renewal(used, request)
            await renewed.aread()
            self._renew(used, renewed)
        if self.tokens != used:
            self._sign(request)
            yield request

    def _sign(self, request: httpx.Request) -> Tokens | None:
        if self.tokens is not None:
            request.headers["authorization"] = f"Bearer {self.tokens.access}"
        return self.tokens

    def _renewal(self, used: Tokens, request: httpx.Request) -> httpx.Request:
        """Returns the call that buys another token, in the time that is left for the call that needs it."""
        body = {"refresh_token": used.refresh}
        return httpx.Request("POST", self._url, json=body, extensions=dict(request.extensions))

    def _renew(self, used: Tokens, answer: httpx.Response) -> None:
        # Somebody may have logged in, or renewed them, meanwhile.
        if answer.is_success and self.tokens == used:
            self.take(replace(used, access=answer.json()["access_token"]))
