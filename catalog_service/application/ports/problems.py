"""Port to the table of problems."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from catalog_service.application.ports.contents import Practised
from catalog_service.domain.problems import Problem, ProblemSelection, Statement


class Problems(Practised, Protocol):
    """The problems of a unit of work."""

    async def add(self, owner_id: int, owner_email: str, statement: Statement) -> Problem:
        """Makes a problem."""

    async def count_of(self, owner_id: int) -> int:
        """Returns how many problems an account has."""

    async def get(self, problem_id: int) -> Problem | None:
        """Returns one problem, None for an unknown number."""

    async def lock(self, problem_id: int) -> Problem | None:
        """Returns one problem, nobody else's to change until the commit."""

    async def change(self, problem_id: int, statement: Statement) -> Problem:
        """Replaces the statement of a locked problem."""

    async def delete(self, problem_id: int) -> None:
        """Deletes a problem."""

    async def count(self, selection: ProblemSelection) -> int:
        """Returns how many problems there are."""

    async def newest(
        self, selection: ProblemSelection, *, limit: int, before: int | None = None, skip: int = 0
    ) -> Sequence[Problem]:
        """Returns problems, the newest first: those numbered below `before`, without the first `skip`."""

    async def shipped(self, keys: Collection[str]) -> Mapping[str, Problem]:
        """Returns the shipped problems among the keys."""

    async def ship(self, key: str, statement: Statement) -> None:
        """Makes a shipped problem."""
