"""Deletes a problem."""

from __future__ import annotations

from catalog_service.application.owned import lock_owned
from catalog_service.application.ports import UnitOfWork, UnitOfWorkFactory
from catalog_service.domain.problems import ProblemRef
from service_kit.call import Call
from service_kit.once import once


class DeleteProblem:
    """Deletes a problem of the caller's. Its number is never used again.

    Sessions and submissions of it are elsewhere, and stay.
    """

    def __init__(self, units: UnitOfWorkFactory) -> None:
        self._units = units

    async def __call__(self, call: Call, ref: ProblemRef) -> None:
        """Idempotent by the call's request. Raises ContentNotFoundError or ProblemNotOwnedError."""

        async def command(unit: UnitOfWork) -> bool:
            problem = await lock_owned(unit, call, ref, "delete")
            await unit.problems.delete(problem.problem_id)
            return True

        await once(self._units, call, bool, command)
