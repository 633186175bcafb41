"""Lists exercises page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog_service.application.ports import Exercise, UnitOfWorkFactory
from service_kit.paging import decode_page_token, encode_page_token, invalid_page_token

_METHOD = "ListExercises"
_DEFAULT_PAGE_SIZE = 20
_LARGEST_NUMBER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ExercisePage:
    """Exercises by number; the token is empty on the last page."""

    exercises: Sequence[Exercise]
    next_page_token: str


class ListExercises:
    """Returns the exercises after a page token, by number."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, *, page_size: int, page_token: str, difficulty: str) -> ExercisePage:
        """A size of 0 means 20, an empty difficulty all. Raises InvalidArgumentError, PAGE_TOKEN_INVALID."""
        size = page_size or _DEFAULT_PAGE_SIZE
        after = _position(page_token, difficulty)
        async with self._units() as unit:
            # One more than asked for tells whether there is a next page.
            found = await unit.exercises.page(after, size + 1, difficulty)
        shown = found[:size]
        more = len(found) > size
        token = encode_page_token(_METHOD, [difficulty], shown[-1].exercise_id) if more else ""
        return ExercisePage(shown, token)


def _position(page_token: str, difficulty: str) -> int:
    position = decode_page_token(_METHOD, [difficulty], page_token)
    if position is None:
        return 0
    if type(position) is not int or not 0 <= position <= _LARGEST_NUMBER:
        raise invalid_page_token()
    return position
