"""What one process of statistics was told holds at another for the very next call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
import pytest
from practice.stats.v1 import badge_service_pb2 as badge_pb
from practice.stats.v1 import badge_service_pb2_grpc as badge_rpc
from practice.stats.v1 import leaderboard_service_pb2 as board_pb
from practice.stats.v1 import leaderboard_service_pb2_grpc as board_rpc
from practice.stats.v1 import progress_pb2
from practice.stats.v1 import stats_service_pb2 as pb
from practice.stats.v1 import stats_service_pb2_grpc as rpc
from practice.stats.v1 import streak_service_pb2 as streak_pb
from practice.stats.v1 import streak_service_pb2_grpc as streak_rpc

from tests.grpc_errors import refusal
from tests.personal_data import PersonalDataClient
from tests.shared import Shared, frozen
from tests.stats_service.conftest import NOW, Apply, ApplyChanges, Metadata, serving_channel
from tests.stats_service.facts import calendar_change, history
from tests.tokens import TestTokens

TODAY = NOW.date()


@dataclass(frozen=True)
class Process:
    """What a learner asks one of the two."""

    channel: grpc.aio.Channel
    me: Metadata
    streaks: streak_rpc.StreakServiceAsyncStub = field(init=False)
    boards: board_rpc.LeaderboardServiceAsyncStub = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "streaks", streak_rpc.StreakServiceStub(self.channel))
        object.__setattr__(self, "boards", board_rpc.LeaderboardServiceStub(self.channel))

    async def streak(self) -> int:
        told = await self.streaks.GetStreaks(streak_pb.GetStreaksRequest(), metadata=self.me)
        return told.streaks[0].day.current

    async def board(self, **fields: Any) -> board_pb.GetLeaderboardResponse:
        request = board_pb.GetLeaderboardRequest(**{"product": "focus", "period": "day", **fields})
        return await self.boards.GetLeaderboard(request, metadata=self.me)


@pytest.fixture
async def both(shared: Shared, stats_settings: dict[str, Any], tokens: TestTokens) -> tuple[Process, Process]:
    one, other = [
        await shared.of(("told", number, frozen(stats_settings)), lambda: serving_channel(stats_settings))
        for number in range(2)
    ]
    me = tuple(tokens.bearer(1))
    return Process(one, me), Process(other, me)


async def test_rest_days_and_pauses_are_so_wherever_they_are_read(
    both: tuple[Process, Process], apply: Apply
) -> None:
    one, other = both
    apply(*history(1, [TODAY - timedelta(days=each) for each in (2, 1)]))
    assert [await each.streak() for each in both] == [2, 2]
    await one.streaks.SetRestDays(
        streak_pb.SetRestDaysRequest(weekdays=[(TODAY.weekday() + 1) % 7]), metadata=one.me
    )
    listed = await other.streaks.ListRestDays(streak_pb.ListRestDaysRequest(), metadata=other.me)
    assert [list(each.weekdays) for each in listed.rest_days] == [[(TODAY.weekday() + 1) % 7]]
    plan = streak_pb.PlanPauseRequest(first_date=f"{TODAY}", last_date=f"{TODAY + timedelta(days=3)}")
    planned = await other.streaks.PlanPause(plan, metadata=other.me)
    # A second one over the same days is refused by whoever is asked.
    assert (await refusal(one.streaks.PlanPause(plan, metadata=one.me))).reason == "PAUSE_OVERLAPS"
    cancel = streak_pb.CancelPauseRequest(name=planned.name)
    await one.streaks.CancelPause(cancel, metadata=one.me)
    again = await other.streaks.PlanPause(plan, metadata=other.me)
    shown = await one.streaks.ListPauses(streak_pb.ListPausesRequest(), metadata=one.me)
    assert again.name in {pause.name for pause in shown.pauses}


async def test_the_day_is_that_of_the_calendar_in_force_whoever_saw_another(
    both: tuple[Process, Process], apply: Apply, apply_changes: ApplyChanges
) -> None:
    one, other = both
    apply(*(fact for user in range(2, 7) for fact in history(user, [TODAY + timedelta(days=1)])))
    assert [(await each.board()).leaderboard.start_date for each in both] == ["2026-02-20"] * 2
    apply_changes(calendar_change(user_seq=2, effective_time=NOW, time_zone="Pacific/Kiritimati"))
    first = await one.board(page_size=2)
    assert (first.leaderboard.start_date, first.total_size) == ("2026-02-21", 5)
    # The other has seen the calendar of before; a page goes on all the same.
    rest = await other.board(page_size=4, page_token=first.next_page_token)
    assert (len(first.entries), len(rest.entries), rest.next_page_token) == (2, 3, "")


async def test_names_and_leaving_of_boards_are_so_wherever_they_are_read(
    both: tuple[Process, Process], apply: Apply
) -> None:
    one, other = both
    apply(*history(1, [TODAY]), *history(2, [TODAY]))
    assert (await other.board()).total_size == 2

    async def set_at(process: Process, **fields: Any) -> None:
        request = board_pb.UpdateLeaderboardSettingsRequest(**fields)
        await process.boards.UpdateLeaderboardSettings(request, metadata=process.me)

    await set_at(one, alias="Ana")
    assert (await other.board()).own_entry.alias == "Ana"
    await set_at(other, opted_out=True)
    assert (await one.board()).total_size == 1


async def test_a_badge_published_at_one_is_listed_at_the_other(
    both: tuple[Process, Process], internal: Metadata
) -> None:
    one, other = both
    badge = progress_pb2.BadgeDefinition(
        badge_id="twice",
        description="Twice.",
        icon="🌱",
        product="focus",
        condition="focus.sessions >= 2",
    )
    for name in ("Twice", "Two of them"):
        badge.name = name
        await rpc.StatsAdminServiceStub(one.channel).LoadBadgeDefinitions(
            pb.LoadBadgeDefinitionsRequest(badge_definitions=[badge]), metadata=internal
        )
        listed = await badge_rpc.BadgeServiceStub(other.channel).ListBadges(
            badge_pb.ListBadgesRequest(), metadata=other.me
        )
        assert name in {each.definition.name for each in listed.badges}


async def test_who_was_erased_at_one_has_nothing_at_the_other(
    both: tuple[Process, Process], apply: Apply, internal: Metadata
) -> None:
    one, other = both
    apply(*history(1, [TODAY]))
    assert (await other.board()).total_size == 1
    await PersonalDataClient(one.channel, internal).erase(1)
    assert (await other.board()).total_size == 0
    plan = streak_pb.PlanPauseRequest(first_date=f"{TODAY}", last_date=f"{TODAY}")
    assert (await refusal(other.streaks.PlanPause(plan, metadata=other.me))).reason == "ACCOUNT_ERASED"
