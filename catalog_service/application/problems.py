"""Makes, shows, lists, changes and deletes problems, and loads those that ship with the platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog_service.application.ports.contents import LoadCounts
from catalog_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from catalog_service.domain.errors import ContentNotFoundError, ProblemNotOwnedError, refuse_duplicates
from catalog_service.domain.problems import Problem, ProblemRef, ProblemSelection, Statement
from catalog_service.domain.search import query_words
from service_kit.call import Call
from service_kit.errors import LimitPolicy, QuotaExceededError, UnauthenticatedError
from service_kit.once import once
from service_kit.paging import Page, PageRequest


class CreateProblem:
    """Makes a problem of the caller's, for everybody to practise."""

    def __init__(self, units: UnitOfWorkFactory, most: int) -> None:
        self._units = units
        self._most = most

    async def __call__(self, call: Call, statement: Statement) -> Problem:
        """Idempotent by the call's request.

        Raises FieldInvalidError for a statement that is too large, and
        QuotaExceededError for an account that has `most` problems.
        """
        statement.check()

        async def command(unit: UnitOfWork) -> Problem:
            if await unit.problems.count_of(call.user_id) >= self._most:
                quota = LimitPolicy("problems", self._most)
                raise QuotaExceededError("Too many problems; delete some first", quota)
            return await unit.problems.add(call.user_id, call.email, statement)

        return await once(self._units, call, Problem, command)


class GetProblem:
    """Returns a problem to anybody."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, ref: ProblemRef) -> Problem:
        """Raises ContentNotFoundError for an unknown or deleted one."""
        async with self._units() as unit:
            problem = await unit.problems.get(ref.number)
        if problem is None or not ref.names(problem):
            raise ContentNotFoundError(str(ref))
        return problem


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """A part of the problems that were selected, and how many there are in all."""

    page: Page[Problem]
    total: int


class ListProblems:
    """Returns problems, the newest first: all, those that a query finds, the caller's own."""

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(
        self, call: Call, *, query: str, mine: bool, page_size: int, page_token: str
    ) -> ProblemPage:
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
        return ProblemPage(shown, total)

    async def window(
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


class UpdateProblem:
    """Changes fields of the statement of a problem of the caller's.

    Changes at the same time happen one after the other: of different fields
    both stay, of the same field the last.
    """

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, call: Call, ref: ProblemRef, changes: Mapping[str, Any]) -> Problem:
        """Idempotent by the call's request. `changes` maps STATEMENT_FIELDS to valid values.

        Raises ContentNotFoundError, ProblemNotOwnedError, or FieldInvalidError
        when the whole becomes too large.
        """

        async def command(unit: UnitOfWork) -> Problem:
            problem = await _lock_owned(unit, call, ref, "update")
            statement = replace(problem.statement, **changes)
            if statement == problem.statement:
                return problem
            statement.check()
            return await unit.problems.change(problem.problem_id, statement)

        return await once(self._units, call, Problem, command)


class DeleteProblem:
    """Deletes a problem of the caller's. Its number is never used again.

    Sessions and submissions of it are elsewhere, and stay.
    """

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, call: Call, ref: ProblemRef) -> None:
        """Idempotent by the call's request. Raises ContentNotFoundError or ProblemNotOwnedError."""

        async def command(unit: UnitOfWork) -> bool:
            problem = await _lock_owned(unit, call, ref, "delete")
            await unit.problems.delete(problem.problem_id)
            return True

        await once(self._units, call, bool, command)


async def _lock_owned(unit: UnitOfWork, call: Call, ref: ProblemRef, verb: str) -> Problem:
    """Returns the problem, nobody else's to change until the commit.

    Raises ContentNotFoundError for an unknown one and ProblemNotOwnedError for
    another's; `verb` says what the caller was about to do.
    """
    problem = await unit.problems.lock(ref.number)
    if problem is None or not ref.names(problem):
        raise ContentNotFoundError(str(ref))
    if not problem.belongs_to(call.user_id):
        raise ProblemNotOwnedError(verb, str(ref))
    return problem


@dataclass(frozen=True, slots=True)
class ShippedProblem:
    """A problem under the key that names it among the shipped ones."""

    key: str
    statement: Statement


class LoadProblems:
    """Creates or replaces shipped problems, all or none. Loading the same again changes nothing.

    Users' own problems are never touched.
    """

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, problems: Sequence[ShippedProblem]) -> LoadCounts:
        """Raises FieldInvalidError when a key comes twice or a problem is too large."""
        refuse_duplicates("Problem", (problem.key for problem in problems), field="problems.key")
        for problem in problems:
            problem.statement.check()
        created = updated = 0
        async with self._units() as unit:
            # Two at once would both find a key to be new.
            await unit.wait_for_other_loads()
            before = await unit.problems.shipped([problem.key for problem in problems])
            for problem in problems:
                known = before.get(problem.key)
                if known is None:
                    await unit.problems.ship(problem.key, problem.statement)
                    created += 1
                elif known.statement != problem.statement:
                    await unit.problems.change(known.problem_id, problem.statement)
                    updated += 1
            await unit.commit()
        return LoadCounts(created, updated, len(problems) - created - updated)
