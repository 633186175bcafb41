"""Statistics, history and calendar."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.session_service.adapters.grpc.products.yoga.clients import Client
from tests.session_service.clients import Learner
from tests.session_service.statistics import Statistics


def figures(sessions: int, seconds: int, average: int, rate: float) -> dict[str, Any]:
    return {
        "total_sessions": sessions,
        "total_practice_time_seconds": seconds,
        "average_duration_seconds": average,
        "completion_rate_percent": rate,
    }


async def test_statistics_include_the_session_being_answered_and_yoga_alone(
    yoga: Client, other: Client, learner: Learner
) -> None:
    focus = await learner.start("focus")
    await learner.call("CompleteSession", name=focus.name)
    await other.practise(500)

    assert (await yoga.practise(900))["statistics"] == figures(1, 900, 900, 100)
    assert (await yoga.practise(600, "partial"))["statistics"] == figures(1, 900, 900, 50)
    assert (await yoga.practise(0, "abandoned"))["statistics"] == figures(1, 900, 900, 33.3)
    assert (await yoga.practise(2))["statistics"] == figures(2, 902, 451, 50)
    open_one = await yoga.start()
    assert (await yoga.practise(600))["statistics"] == figures(3, 1502, 501, 50)
    assert (await yoga.complete(open_one, 14_400))["statistics"] == figures(4, 15_902, 3976, 66.7)


async def test_the_documents_own_numbers_come_out(yoga: Client) -> None:
    for _ in range(5):
        await yoga.start()
    for _ in range(24):
        await yoga.practise(900)

    assert (await yoga.practise(900))["statistics"] == figures(25, 22_500, 900, 83.3)


async def test_of_completions_at_once_each_counts_those_before_it_and_itself(yoga: Client) -> None:
    numbers = [await yoga.start() for _ in range(20)]

    answers = await asyncio.gather(*(yoga.complete(number, 100) for number in numbers))

    counted = sorted(answer["statistics"]["total_sessions"] for answer in answers)
    assert counted == list(range(1, 21))
    for answer in answers:
        count = answer["statistics"]["total_sessions"]
        assert answer["statistics"] == figures(count, 100 * count, 100, 5 * count)


async def test_stats_are_the_statistics_and_the_streaks(
    yoga: Client, statistics: Statistics, user_id: int
) -> None:
    none = {**figures(0, 0, 0, 0), "current_streak": 0, "longest_streak": 0}
    assert await yoga.ok("GetStats") == none
    statistics.streaks[user_id] = (3, 7)
    await yoga.practise(900)
    await yoga.practise(100, "abandoned")
    statistics.asked.clear()

    body = await yoga.ok("GetStats")

    assert body == {**figures(1, 900, 900, 50), "current_streak": 3, "longest_streak": 7}
    assert (user_id, 2) in statistics.asked, "the streak is read once the last end is in it"


@pytest.mark.parametrize("method", ["GetStats", "GetCalendar"])
async def test_statistics_that_are_away_are_a_503(yoga: Client, statistics: Statistics, method: str) -> None:
    await yoga.practise()
    statistics.broken = True

    status, body = await yoga.refused(method)

    assert (status, body) == (503, {"detail": "Statistics do not answer; try again"})
    assert (await yoga.practise())["statistics"]["total_sessions"] == 2, "a completion does not need them"


async def test_the_history_is_every_session_newest_first_in_parts_with_the_total(
    yoga: Client, other: Client, learner: Learner
) -> None:
    await learner.start("focus")
    await other.practise()
    assert await yoga.ok("ListHistory") == {"total": 0, "sessions": []}
    numbers = [int((await yoga.practise())["session_id"]) for _ in range(22)]
    numbers.append(await yoga.start(sequence_id=123))
    newest = numbers[::-1]

    async def listed(**fields: int) -> list[int]:
        body = await yoga.ok("ListHistory", **fields)
        assert body["total"] == 23
        return [int(session["session_id"]) for session in body["sessions"]]

    assert await listed() == newest[:20]
    assert await listed(limit=100) == newest
    assert await listed(limit=3, offset=2) == newest[2:5]
    assert await listed(offset=22) == newest[22:]
    assert await listed(offset=23) == []
    assert await listed(offset=2**31 - 1) == []
    body = await yoga.ok("ListHistory", limit=2)
    assert body["sessions"][0] == await yoga.ok("GetCurrentSession")
    ended = body["sessions"][1]
    assert (ended["sequence_id"], ended["completion_status"], ended["notes"]) == (None, "completed", None)
    assert isinstance(ended["completed_at"], str)


async def test_the_calendar_is_a_months_days_with_practice(
    yoga: Client, statistics: Statistics, user_id: int
) -> None:
    statistics.days[user_id] = [("2024-01-31", 1, 5), ("2024-02-01", 2, 1500), ("2024-02-29", 1, 7200)]

    assert await yoga.ok("GetCalendar", month="2024-02") == {
        "month": "2024-02",
        "days": [
            {"date": "2024-02-01", "sessions": 2, "seconds": 1500},
            {"date": "2024-02-29", "sessions": 1, "seconds": 7200},
        ],
    }
    assert statistics.days_asked == [("yoga", "2024-02-01", "2024-02-29")]
    for month in ("0001-01", "9999-12", "2023-02"):
        assert await yoga.ok("GetCalendar", month=month) == {"month": month, "days": []}


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_the_calendar_is_of_the_users_present_month_when_none_is_asked_for(
    yoga: Client, zone: str
) -> None:
    def present() -> str:
        return f"{datetime.now(UTC).astimezone(ZoneInfo(zone)):%Y-%m}"

    before = present()
    body = await yoga.with_metadata(x_time_zone=zone).ok("GetCalendar")
    assert body["month"] in (before, present())


async def test_a_calendar_is_read_once_the_last_end_is_in_it(
    yoga: Client, statistics: Statistics, user_id: int
) -> None:
    await yoga.practise()
    statistics.asked.clear()

    await yoga.ok("GetCalendar")

    assert statistics.asked == [(user_id, 1)]
