"""Makes a problem."""

from __future__ import annotations

from catalog_service.application.ports import UnitOfWork, UnitOfWorkFactory
from catalog_service.domain.problems import Problem, Statement
from service_kit.call import Call
from service_kit.errors import QuotaExceededError
from service_kit.once import once


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
                raise QuotaExceededError("Too many problems; delete some first", "problems", self._most)
            return await unit.problems.add(call.user_id, call.email, statement)

        return await once(self._units, call, Problem, command)
