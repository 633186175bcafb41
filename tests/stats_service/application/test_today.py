"""Waiting for a completion to be counted."""

from __future__ import annotations

from typing import Any

from stats_service.application.ports.reading import Learner
from stats_service.application.today import Waiting, is_pending
from stats_service.domain.calendar import Calendar


class SlowReader:
    """Counts one more completion each time it is asked."""

    def __init__(self, applied_through: int = 0) -> None:
        self.applied_through = applied_through
        self.asked = 0

    async def learner(self, user_id: int) -> Learner:
        self.asked += 1
        self.applied_through += 1
        return Learner(Calendar(), self.applied_through)


def waiting(reader: Any, seconds: float) -> Waiting:
    return Waiting(reader, seconds)


async def test_a_read_that_names_no_completion_asks_once() -> None:
    reader = SlowReader()
    learner = await waiting(reader, 5).until_counted(1, 0)
    assert (reader.asked, is_pending(learner, 0)) == (1, False)


async def test_who_names_no_completion_waits_for_none() -> None:
    reader = SlowReader()
    await waiting(reader, 5).wait(1, 0)
    assert reader.asked == 0
    await waiting(reader, 5).wait(1, 3)
    assert reader.asked == 3


async def test_a_read_waits_until_the_completion_is_counted() -> None:
    reader = SlowReader()
    learner = await waiting(reader, 5).until_counted(1, 4)
    assert (reader.asked, learner.applied_through, is_pending(learner, 4)) == (4, 4, False)


async def test_a_read_says_that_statistics_are_pending_when_the_time_is_over() -> None:
    reader = SlowReader()
    learner = await waiting(reader, 0.05).until_counted(1, 1_000)
    assert is_pending(learner, 1_000)
    assert reader.asked > 1
