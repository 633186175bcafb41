"""What is read for one answer is read as of one moment: a practice in between does not tear it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from service_kit.hints import HeardPlaces
from stats_service.application.badge_queries import ListAwardedBadges, ListBadges
from stats_service.application.freshness import Waiting
from stats_service.application.ports.reading import Learner, Reader
from stats_service.application.progress_queries import GetCompletionEffects, GetStanding, ListDailyProgress
from stats_service.application.streak_queries import GetFreezes, GetStreaks, ListRestDays
from stats_service.application.summary_queries import GetHeatmap
from stats_service.application.today import Today
from stats_service.domain.calendar import Calendar
from stats_service.domain.protection import StreakProtection
from stats_service.domain.standing import Standing

NOW = datetime(2026, 5, 15, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """What is not known before it is asked together with the rest: it cannot be awaited by itself."""

    answer: Any


class Moments:
    """Answers nothing but together, counts how often that was asked, and knows nobody."""

    def __init__(self) -> None:
        self.asked = 0

    async def together(self, *reads: Asked) -> tuple[Any, ...]:
        self.asked += 1
        return tuple(each.answer for each in reads)

    def learner(self, user_id: int) -> Asked:
        return Asked(Learner(Calendar(), 0))

    def standing(self, user_id: int, product: str) -> Asked:
        return Asked(Standing())

    def standings(self, user_id: int) -> Asked:
        return Asked({})

    def protection(self, user_id: int) -> Asked:
        return Asked(StreakProtection.of((), (), None, ()))

    def _nothing(self, *_args: object, **_choice: object) -> Asked:
        return Asked([])

    awards = newest_badges = days = entries = frozen = ledger = _nothing


def clock() -> datetime:
    return NOW


Ask = Callable[[Reader, Waiting, Today], Awaitable[object]]
ANSWERS: dict[str, Ask] = {
    "ListBadges": lambda reader, waiting, _: ListBadges(reader, waiting)(1, "", after="", limit=5),
    "ListAwardedBadges": lambda reader, waiting, _: ListAwardedBadges(reader, waiting)(1, ""),
    "GetStanding": lambda reader, _, today: GetStanding(reader, today)(1, ""),
    "GetCompletionEffects": lambda reader, _, today: GetCompletionEffects(reader, today)(
        1, "focus", 7, min_user_seq=0
    ),
    "ListDailyProgress": lambda reader, waiting, _: ListDailyProgress(reader, waiting, clock)(
        1, "", None, None
    ),
    "GetHeatmap": lambda reader, _, today: GetHeatmap(reader, today)(1, "", 0),
    "GetStreaks": lambda reader, _, today: GetStreaks(reader, today)(1),
    "GetFreezes": lambda reader, _, today: GetFreezes(reader, today)(1, "", after=None, limit=5),
    "ListRestDays": lambda reader, _, today: ListRestDays(reader, today)(1),
}


@pytest.mark.parametrize("ask", ANSWERS.values(), ids=list(ANSWERS))
async def test_an_answer_is_read_at_one_moment(ask: Ask) -> None:
    moments = Moments()
    reader = cast("Reader", moments)
    waiting = Waiting(reader, HeardPlaces(remembered=0), 1)
    await ask(reader, waiting, Today(reader, waiting, clock))
    assert moments.asked == 1
