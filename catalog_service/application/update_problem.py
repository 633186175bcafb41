"""Changes a problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from catalog_service.application.owned import lock_owned
from catalog_service.application.ports import UnitOfWork, UnitOfWorkFactory
from catalog_service.domain.problems import Problem, ProblemRef
from service_kit.call import Call
from service_kit.once import once


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
            problem = await lock_owned(unit, call, ref, "update")
            statement = replace(problem.statement, **changes)
            if statement == problem.statement:
                return problem
            statement.check()
            return await unit.problems.change(problem.problem_id, statement)

        return await once(self._units, call, Problem, command)
