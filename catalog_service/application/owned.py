"""Finds a problem that its author is about to change."""

from __future__ import annotations

from catalog_service.application.ports import UnitOfWork
from catalog_service.domain.errors import ContentNotFoundError, ProblemNotOwnedError
from catalog_service.domain.problems import Problem, ProblemRef
from service_kit.call import Call


async def lock_owned(unit: UnitOfWork, call: Call, ref: ProblemRef, verb: str) -> Problem:
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
