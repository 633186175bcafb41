"""Places in lists as page tokens carry them: texts, checked when they come back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from service_kit.paging import PageRequest, invalid_page_token

First = TypeVar("First", date, datetime)
Second = TypeVar("Second", str, UUID)


def place_to_position(place: tuple[date | datetime, str | UUID]) -> list[str]:
    """Returns a place as a token carries it."""
    return [place[0].isoformat(), str(place[1])]


def place_in(
    wanted: PageRequest, first: Callable[[str], First], second: Callable[[str], Second]
) -> tuple[First, Second] | None:
    """Returns the place to go on from, None at the start.

    Raises InvalidArgumentError for a token that was not made here.
    """
    position = wanted.position()
    if position is None:
        return None
    return first(_text(position, 0)), second(_text(position, 1))


def read_instant(text: str) -> datetime:
    """Returns an aware instant. Raises InvalidArgumentError for any other text."""
    instant = _read(datetime.fromisoformat, text)
    if instant.tzinfo is None:
        raise invalid_page_token()
    return instant


def read_day(text: str) -> date:
    """Returns a day. Raises InvalidArgumentError for any other text."""
    return _read(date.fromisoformat, text)


def read_id(text: str) -> UUID:
    """Returns an id. Raises InvalidArgumentError for any other text."""
    return _read(UUID, text)


def read_text(text: str) -> str:
    """Returns a text that can be looked for. Raises InvalidArgumentError for any other."""
    if "\0" in text:
        raise invalid_page_token()
    return text


Value = TypeVar("Value")


def _read(reader: Callable[[str], Value], text: str) -> Value:
    try:
        return reader(text)
    except ValueError as error:
        raise invalid_page_token() from error


def _text(position: Any, number: int) -> str:
    if not isinstance(position, list) or len(position) != 2 or not isinstance(position[number], str):
        raise invalid_page_token()
    return str(position[number])
