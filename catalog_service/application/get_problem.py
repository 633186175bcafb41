"""Shows one problem."""

from __future__ import annotations

from catalog_service.application.ports import UnitOfWorkFactory
from catalog_service.domain.errors import ContentNotFoundError
from catalog_service.domain.problems import Problem, ProblemRef


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
