"""What is read for one answer is read as of one moment: a practice in between does not tear it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest

from service_kit.hints import HeardPlaces
from stats_service.application.badge_queries import ListAwardedBadges, ListBadges
from stats_service.application.freshness import Waiting
from stats_service.application.ports.reading import Learner, Reader
from stats_service.application.progress_queries import GetCompletionEffects, GetStanding, ListDailyProgress
from stats_service.application.streak_queries import GetFreezes, GetStreaks, ListRestDays
from stats_service.application.summary_queries import GetBestHours, GetHeatmap, ListSummaries
from stats_service.application.today import Today
from stats_service.domain.calendar import Calendar
from stats_service.domain.protection import StreakProtection
from stats_service.domain.standing import Standing
from stats_service.leaderboards.ports import Slice
from stats_service.leaderboards.use_cases import GetLeaderboard

NOW = datetime(2026, 5, 15, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """What is not known before it is asked together with the rest: it cannot be awaited by itself."""

    answer: Any


class Moments:
    """Answers nothing but together, counts how often that was asked, and knows nobody."""

    def __init__(self) -> None:
        self.asked = 0
        self.calendar = Calendar()

    async def together(self, *reads: Asked) -> tuple[Any, ...]:
        self.asked += 1
        return tuple(each.answer for each in reads)

    def learner(self, user_id: int) -> Asked:
        return Asked(Learner(self.calendar, 0))

    def standing(self, user_id: int, product: str) -> Asked:
        return Asked(Standing())

    def standings(self, user_id: int) -> Asked:
        return Asked({})

    def protection(self, user_id: int) -> Asked:
        return Asked(StreakProtection.of((), (), None, ()))

    def _nothing(self, *_args: object, **_choice: object) -> Asked:
        return Asked([])

    awards = newest_badges = days = entries = frozen = ledger = days_by_product = hours = _nothing

    def slice(self, *_args: object, **_choice: object) -> Asked:
        return Asked(Slice([], 0, 0, 0, None, 0, None))


def clock() -> datetime:
    return NOW


async def board_key() -> bytes:
    return b"key"


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
    "ListSummaries": lambda reader, _, today: ListSummaries(cast("Any", reader), today)(
        1, "", "week", None, None
    ),
    "GetBestHours": lambda reader, _, today: GetBestHours(cast("Any", reader), today)(1, "", None, None),
    "GetLeaderboard": lambda reader, _, today: GetLeaderboard(
        cast("Any", reader), board_key, today, clock, timedelta(hours=12)
    )(1, "focus", "week", None),
    "ListRestDays": lambda reader, _, today: ListRestDays(reader, today)(1),
}


@pytest.mark.parametrize("ask", ANSWERS.values(), ids=list(ANSWERS))
async def test_an_answer_is_read_at_one_moment(ask: Ask) -> None:
    moments = Moments()
    reader = cast("Reader", moments)
    waiting = Waiting(reader, HeardPlaces(remembered=0), 1)
    await ask(reader, waiting, Today(reader, waiting, clock))
    assert moments.asked == 1


async def test_what_was_guessed_of_a_learners_day_is_read_again_when_it_is_another() -> None:
    moments = Moments()
    # In UTC it is noon on the 15th, on Kiritimati the 16th.
    moments.calendar = Calendar("Pacific/Kiritimati")
    reader = cast("Reader", moments)
    today = Today(reader, Waiting(reader, HeardPlaces(remembered=0), 1), clock)
    read: list[date] = []

    async def ask(time_zone: str | None = None) -> date:
        def of_day(day: date) -> Any:
            read.append(day)
            return Asked(day)

        now, span, found = await today.along(1, 0, time_zone, span_of=lambda day: day, read=of_day)
        assert now.today == span == found
        return now.today

    fifteenth, sixteenth = date(2026, 5, 15), date(2026, 5, 16)
    assert await ask() == sixteenth
    assert read == [fifteenth, sixteenth]
    # What was seen is what is guessed the next time, and no more than a guess.
    assert await ask() == sixteenth
    moments.calendar = Calendar("UTC")
    assert await ask() == fifteenth
    assert await ask("Pacific/Kiritimati") == sixteenth
    assert read[2:] == [sixteenth, sixteenth, fifteenth, sixteenth]
    assert moments.asked == 6
