"""The unit of work: one transaction over all tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from catalog_service.application.ports.contents import (
    Achievements,
    Activities,
    Answered,
    Exercises,
    Practised,
    Sequences,
    Words,
)
from catalog_service.application.ports.problems import Problems
from service_kit.once import Idempotency


class UnitOfWork(Protocol):
    """One transaction. Leaving it without a commit undoes it.

    `answered` has every kind of item by the collection in its names, `words`
    for `words/en-hello`; `practised` every kind of content, `activities` for
    `activities/123`.
    """

    exercises: Exercises
    activities: Activities
    words: Words
    sequences: Sequences
    achievements: Achievements
    problems: Problems
    answered: Mapping[str, Answered]
    practised: Mapping[str, Practised]
    idempotency: Idempotency

    async def wait_for_other_loads(self) -> None:
        """Keeps out other loads that ask for the same until the commit, once those under way are done."""

    async def commit(self) -> None:
        """Makes the changes last."""


UnitOfWorkFactory = Callable[[], AbstractAsyncContextManager[UnitOfWork]]
