"""Lists that come in pages, as one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

# A page: what is in it, and what asks for the next one, or None after the last.
Page = tuple[Sequence[T], Any]


def pages(fetch: Callable[[Any], Any], turn: Callable[[Any, Any], Page[T]], first: Any = None) -> Iterator[T]:
    """Yields what is in all pages; each is fetched when it is reached."""
    place = first
    while True:
        items, place = turn(fetch(place), place)
        yield from items
        if place is None:
            return


async def pages_async(
    fetch: Callable[[Any], Awaitable[Any]], turn: Callable[[Any, Any], Page[T]], first: Any = None
) -> AsyncIterator[T]:
    """Yields what is in all pages; each is fetched when it is reached."""
    place = first
    while True:
        items, place = turn(await fetch(place), place)
        for item in items:
            yield item
        if place is None:
            return


def by_token(field: str) -> Callable[[Any, Any], Page[Any]]:
    """Turns pages that name the next one."""
    return lambda page, _: (getattr(page, field), page.next_page_token or None)


def by_offset(field: str) -> Callable[[Any, Any], Page[Any]]:
    """Turns pages that begin after so many items, up to an empty one; `field` is empty for a bare list."""

    def turn(page: Any, offset: Any) -> Page[Any]:
        items = getattr(page, field) if field else page
        return items, (offset or 0) + len(items) if items else None

    return turn


def by_last(field: str) -> Callable[[Any, Any], Page[Any]]:
    """Turns pages of what is before an item, which the last one of a page is."""

    def turn(page: Any, _: Any) -> Page[Any]:
        items = getattr(page, field)
        return items, items[-1].id if items else None

    return turn
