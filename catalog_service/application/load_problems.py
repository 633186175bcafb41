"""Takes the problems that the platform brings from their authors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog_service.application.loading import refuse_duplicates
from catalog_service.application.ports import LoadCounts, UnitOfWorkFactory
from catalog_service.domain.problems import Statement


@dataclass(frozen=True, slots=True)
class ShippedProblem:
    """A problem under the key that names it among the shipped ones."""

    key: str
    statement: Statement


class LoadProblems:
    """Creates or replaces shipped problems, all or none. Loading the same again changes nothing.

    People's own problems are never touched.
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
