"""Lists and searches problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog_service.application.ports import UnitOfWorkFactory
from catalog_service.domain.problems import Problem, ProblemSelection
from catalog_service.domain.search import query_words
from service_kit.call import Call
from service_kit.errors import UnauthenticatedError
from service_kit.paging import Page, PageRequest


@dataclass(frozen=True, slots=True)
class Found:
    """A part of the problems that were selected, and how many there are in all."""

    page: Page[Problem]
    total: int


class ListProblems:
    """Returns problems, the newest first: all, those that a query finds, the caller's own."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, call: Call, *, query: str, mine: bool, page_size: int, page_token: str) -> Found:
        """Returns a page; a size of 0 means 20.

        Raises UnauthenticatedError for a stranger who asks for theirs, and
        InvalidArgumentError with PAGE_TOKEN_INVALID.
        """
        owner = _owner(call) if mine else None
        selection = ProblemSelection(owner, query_words(query))
        page = PageRequest("ListProblems", page_size, page_token, (query, owner))
        before = page.number()
        async with self._units() as unit:
            total = await unit.problems.count(selection)
            shown = await page.fill(
                lambda limit: unit.problems.newest(selection, limit=limit, before=before),
                lambda problem: problem.problem_id,
            )
        return Found(shown, total)

    async def part(
        self, call: Call, *, skip: int, limit: int, query: str = "", mine: bool = False
    ) -> tuple[Sequence[Problem], int]:
        """Returns up to `limit` problems after the first `skip`, and how many there are in all."""
        selection = ProblemSelection(_owner(call) if mine else None, query_words(query))
        async with self._units() as unit:
            total = await unit.problems.count(selection)
            problems = await unit.problems.newest(selection, limit=limit, skip=skip)
        return problems, total


def _owner(call: Call) -> int:
    if not call.user_id:
        raise UnauthenticatedError("An access token is required to list your own problems")
    return call.user_id
