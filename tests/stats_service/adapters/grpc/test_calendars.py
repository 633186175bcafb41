"""Calendars over a real server: told onward, in force, and confirmed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, TypeAlias
from uuid import uuid4

import grpc
import pytest
from practice.products.focus.v1 import focus_service_pb2 as focus_pb
from practice.products.focus.v1 import focus_service_pb2_grpc as focus_rpc
from practice.stats.v1 import explanation_service_pb2 as explanation_pb
from practice.stats.v1 import explanation_service_pb2_grpc as explanation_rpc
from practice.stats.v1 import stats_service_pb2 as pb
from practice.stats.v1 import stats_service_pb2_grpc as rpc
from practice.stats.v1 import streak_service_pb2 as streak_pb

from tests.calendars import FakeCalendarService
from tests.stats_service.conftest import NOW, Apply, ApplyChanges, Streaks, serving_channel
from tests.stats_service.facts import calendar_change, completion, history
from tests.tokens import TestTokens

Stats: TypeAlias = "rpc.StatsServiceAsyncStub"
Admin: TypeAlias = "rpc.StatsAdminServiceAsyncStub"
Focus: TypeAlias = "focus_rpc.FocusProgressServiceAsyncStub"
Explanations: TypeAlias = "explanation_rpc.ExplanationServiceAsyncStub"
Metadata = tuple[tuple[str, str], ...]

SIGN_UP = 1_767_605_400


@pytest.fixture
async def channel(stats_settings: dict[str, Any]) -> AsyncIterator[grpc.aio.Channel]:
    """To a server that has heard of nobody's zone."""
    async with serving_channel(stats_settings) as channel:
        yield channel


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tokens.bearer(1)


@pytest.fixture
def explanations(channel: grpc.aio.Channel) -> Explanations:
    return explanation_rpc.ExplanationServiceStub(channel)


async def today(stats: Stats, metadata: Metadata) -> str:
    return (await stats.GetStanding(pb.GetStandingRequest(), metadata=metadata)).streak.as_of_date


async def test_today_follows_the_calendar_that_was_put_in_force_last(
    stats: Stats, me: Metadata, apply: Apply, apply_changes: ApplyChanges
) -> None:
    # Noon UTC on the 20th; on Kiritimati it is the 21st already.
    apply(*history(1, [date(2026, 2, 19)]))
    assert await today(stats, me) == "2026-02-20"
    moved = calendar_change(user_seq=2, effective_time=NOW, time_zone="Pacific/Kiritimati")
    apply_changes(moved)
    assert await today(stats, me) == "2026-02-21"
    apply_changes(replace(moved, event_id=uuid4(), user_seq=3, effective_time=after(1), rollover_hour=5))
    assert await today(stats, me) == "2026-02-20"
    assert await today(stats, (*me, ("x-time-zone", "Pacific/Pago_Pago"))) == "2026-02-19"


async def test_a_zone_of_a_call_alone_breaks_no_streak_before_its_change_has_arrived(
    stats: Stats, streaks: Streaks, explanations: Explanations, me: Metadata, apply: Apply
) -> None:
    # Yesterday was practised, and today is not over: the flight east cuts it short.
    apply(*history(1, [date(2026, 2, 18), date(2026, 2, 19)]))
    there = (*me, ("x-time-zone", "Pacific/Kiritimati"))
    standing = await stats.GetStanding(pb.GetStandingRequest(), metadata=there)
    assert (standing.streak.as_of_date, standing.streak.current_days) == ("2026-02-21", 2)
    told = await streaks.GetStreaks(streak_pb.GetStreaksRequest(), metadata=there)
    assert [each.day.current for each in told.streaks] == [2, 2]
    explained = await explanations.ExplainStreak(explanation_pb.ExplainStreakRequest(), metadata=there)
    assert (explained.on_date, explained.streak.current) == ("2026-02-21", 2)
    assert "1 day cut short by a change of time zone" in explained.paragraph


def after(minutes: int) -> object:
    return NOW + timedelta(minutes=minutes)


async def listed(stats: Stats, metadata: Metadata) -> list[str]:
    progress = await stats.ListDailyProgress(pb.ListDailyProgressRequest(), metadata=metadata)
    return [day.date for day in progress.days]


async def test_the_last_day_of_progress_is_today_in_the_calendar_in_force(
    stats: Stats, me: Metadata, apply: Apply, apply_changes: ApplyChanges
) -> None:
    # 30 days before the 20th.
    apply(*history(1, [date(2026, 1, 21)]))
    assert await listed(stats, me) == ["2026-01-21"]
    apply_changes(calendar_change(user_seq=2, effective_time=NOW, time_zone="Pacific/Kiritimati"))
    assert await listed(stats, me) == []


async def test_a_day_practised_that_has_not_begun_where_the_caller_flew_to_is_listed(
    stats: Stats, me: Metadata, apply: Apply
) -> None:
    apply(completion(user_seq=1, local_date=date(2026, 2, 21), end_time=NOW - timedelta(hours=1)))
    assert await listed(stats, me) == ["2026-02-21"]


async def test_a_change_of_calendar_is_waited_for_and_confirmed_like_a_completion(
    stats: Stats,
    admin: Admin,
    me: Metadata,
    internal: Metadata,
    apply: Apply,
    apply_changes: ApplyChanges,
) -> None:
    change, fact = calendar_change(user_seq=1), completion(user_seq=2)
    apply(fact)
    standing = pb.GetStandingRequest(min_user_seq=2)
    assert (await stats.GetStanding(standing, metadata=me)).pending
    apply_changes(change, replace(change, rollover_hour=9))
    assert not (await stats.GetStanding(standing, metadata=me)).pending

    asked = [str(each) for each in (change.event_id, fact.event_id, uuid4())]
    answer = await admin.GetApplied(pb.GetAppliedRequest(event_ids=asked), metadata=internal)
    assert set(answer.applied_event_ids) == set(asked[:2])
    assert not answer.rejected_events, "what is kept is never told refused"


async def test_a_zone_sent_here_is_handed_over_before_the_answer(
    stats: Stats, focus: Focus, tokens: TestTokens, calendar_service: FakeCalendarService
) -> None:
    ana = (*tokens.bearer(41, created_at=SIGN_UP), ("x-time-zone", "Asia/Tokyo"))
    await stats.GetStanding(pb.GetStandingRequest(), metadata=ana)
    assert calendar_service.remembered == [(41, "Asia/Tokyo", SIGN_UP)]
    ben = (*tokens.bearer(42), ("x-time-zone", "Europe/Madrid"))
    await focus.GetStreak(focus_pb.GetStreakRequest(), metadata=ben)
    assert calendar_service.remembered[1:] == [(42, "Europe/Madrid", None)]


async def test_a_zone_is_handed_over_unless_it_is_the_one_in_force_whoever_was_told_another(
    stats: Stats, me: Metadata, apply_changes: ApplyChanges, calendar_service: FakeCalendarService
) -> None:
    here = (*me, ("x-time-zone", "Asia/Tokyo"))
    change = calendar_change(user_seq=1, effective_time=NOW, time_zone="Asia/Tokyo")
    apply_changes(change)
    for _ in range(3):
        await today(stats, here)
    assert calendar_service.remembered == []
    # Another process was told so, and this one was told Tokyo a moment ago.
    apply_changes(replace(change, event_id=uuid4(), user_seq=2, effective_time=after(1), time_zone="UTC"))
    await today(stats, here)
    assert calendar_service.remembered == [(1, "Asia/Tokyo", None)]


async def test_calls_that_say_nothing_of_a_user_hand_nothing_over(
    stats: Stats, admin: Admin, me: Metadata, internal: Metadata, calendar_service: FakeCalendarService
) -> None:
    await stats.GetStanding(pb.GetStandingRequest(), metadata=me)
    zone = ("x-time-zone", "Asia/Tokyo")
    await admin.GetUserStanding(pb.GetUserStandingRequest(user_id=1), metadata=(*internal, zone))
    assert calendar_service.remembered == []


async def test_a_session_service_that_does_not_answer_fails_no_call(
    stats: Stats, me: Metadata, calendar_service: FakeCalendarService
) -> None:
    here: Iterable[tuple[str, str]] = (*me, ("x-time-zone", "Pacific/Kiritimati"))
    calendar_service.answering.clear()
    assert await today(stats, tuple(here)) == "2026-02-21"
    calendar_service.answering.set()
    assert await today(stats, tuple(here)) == "2026-02-21"
    assert calendar_service.remembered == [(1, "Pacific/Kiritimati", None)], "handed over with the next call"
