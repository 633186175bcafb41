"""Pages of what is listed by number."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from service_kit.paging import decode_page_token, encode_page_token, invalid_page_token

DEFAULT_PAGE_SIZE = 20
_LARGEST_NUMBER = 2**63 - 1

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list; the token is empty on the last."""

    items: Sequence[Item]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of which list: `selection` is every field that chooses what is listed."""

    method: str
    size: int
    token: str
    selection: tuple[object, ...] = ()

    def position(self) -> int | None:
        """Returns the number to go on from, None at the start. Raises PAGE_TOKEN_INVALID."""
        position = decode_page_token(self.method, self.selection, self.token)
        if position is None:
            return None
        if type(position) is not int or not 0 <= position <= _LARGEST_NUMBER:
            raise invalid_page_token()
        return position

    async def fill(
        self, read: Callable[[int], Awaitable[Sequence[Item]]], number: Callable[[Item], int]
    ) -> Page[Item]:
        """Returns the page; `read` returns up to so many items, `number` is where an item stands."""
        size = self.size or DEFAULT_PAGE_SIZE
        # One more than asked for tells whether there is a next page.
        found = await read(size + 1)
        shown = found[:size]
        more = len(found) > size
        token = encode_page_token(self.method, self.selection, number(shown[-1])) if more else ""
        return Page(shown, token)
