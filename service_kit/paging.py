"""Pages of lists, and their opaque tokens (AIP-158)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from service_kit.errors import InvalidArgumentError

DEFAULT_PAGE_SIZE = 20
# Positions that are numbers are those of a bigint.
_NUMBERS_END = 2**63

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list; the token is empty on the last."""

    items: Sequence[Item]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of which list: `selection` is every field that chooses what is listed.

    A `size` of 0 means `default_size`.
    """

    method: str
    size: int
    token: str
    selection: tuple[object, ...] = ()
    default_size: int = DEFAULT_PAGE_SIZE

    @property
    def limit(self) -> int:
        """How many items to read: one more than asked for tells whether there is a next page."""
        return (self.size or self.default_size) + 1

    def position(self) -> Any:
        """Returns the position to go on from, None at the start. Raises as decode_page_token does."""
        position = decode_page_token(self.method, self.selection, self.token)
        if position is None and self.token:
            raise invalid_page_token()
        return position

    def number(self) -> int | None:
        """Returns the number to go on from, None at the start. Raises as decode_page_number does."""
        return decode_page_number(self.method, self.selection, self.token)

    def page(self, found: Sequence[Item], position: Callable[[Item], Any]) -> Page[Item]:
        """Returns the page of up to `limit` items; `position` is where an item stands, a JSON value."""
        items = found[: self.limit - 1]
        if len(found) < self.limit:
            return Page(items, "")
        return Page(items, self.token_after(position(items[-1])))

    def token_after(self, position: Any) -> str:
        """Returns the token of the page after a position, a JSON value."""
        return encode_page_token(self.method, self.selection, position)

    async def fill(
        self, read: Callable[[int], Awaitable[Sequence[Item]]], position: Callable[[Item], Any]
    ) -> Page[Item]:
        """Returns the page of what `read` returns, which takes how many items to read."""
        return self.page(await read(self.limit), position)


def _scope(method: str, selection: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps([method, *map(str, selection)]).encode()).hexdigest()[:16]


def encode_page_token(method: str, selection: Sequence[object], position: Any) -> str:
    """Returns a token that continues after `position`, a JSON value.

    `selection` is every field of the request that chooses what is listed: a
    token is refused together with another selection.
    """
    document = json.dumps([_scope(method, selection), position], separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def decode_page_token(method: str, selection: Sequence[object], token: str) -> Any:
    """Returns the position in a token, None for an empty one.

    Tokens are opaque but not signed: the caller checks the type of the
    position, or its range, before using it.

    Raises InvalidArgumentError with PAGE_TOKEN_INVALID for a token that this
    method did not make for this selection.
    """
    if not token:
        return None
    try:
        scope, position = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, binascii.Error, TypeError) as error:
        raise invalid_page_token() from error
    if scope != _scope(method, selection):
        raise invalid_page_token()
    return position


def decode_page_number(method: str, selection: Sequence[object], token: str) -> int | None:
    """Returns the position in a token as a number from 1 to 2^63 - 1, None for an empty token.

    Raises as decode_page_token does, also for a position that is no such number.
    """
    position = decode_page_token(method, selection, token)
    if not token:
        return None
    # A bool is an int to Python, and no number of ours.
    if type(position) is not int or not 0 < position < _NUMBERS_END:
        raise invalid_page_token()
    return position


def invalid_page_token() -> InvalidArgumentError:
    """Returns the error for a token, or a position in one, that the method did not make."""
    return InvalidArgumentError(
        "The page token does not belong to this list; start again without one", reason="PAGE_TOKEN_INVALID"
    )
