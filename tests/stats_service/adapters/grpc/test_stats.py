"""The canonical API, over a real server and stub."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import date
from typing import TypeAlias
from uuid import uuid4

import grpc
import pytest
from practice.stats.v1 import progress_pb2, stats_service_pb2_grpc
from practice.stats.v1 import stats_service_pb2 as pb

from service_kit.broker import COUNTED_HINTS
from service_kit.hints import BlockingHintSender
from tests.grpc_errors import refusal
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion, history
from tests.tokens import TestTokens

Stats: TypeAlias = "stats_service_pb2_grpc.StatsServiceAsyncStub"
Admin: TypeAlias = "stats_service_pb2_grpc.StatsAdminServiceAsyncStub"
Metadata = tuple[tuple[str, str], ...]
DAYS = [date(2026, 2, day) for day in (15, 17, 18, 19)]


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tuple(tokens.bearer(1))


async def test_a_standing_tells_totals_and_the_streak_of_today(
    stats: Stats, me: Metadata, apply: Apply
) -> None:
    apply(*history(1, DAYS, answer_count=10, correct_answer_count=7))
    answer = await stats.GetStanding(pb.GetStandingRequest(product="focus"), metadata=me)
    assert answer == pb.GetStandingResponse(
        totals=progress_pb2.Totals(
            product="focus",
            session_count=4,
            elapsed_seconds=6000,
            answer_count=40,
            correct_answer_count=28,
            day_count=4,
        ),
        streak=progress_pb2.Streak(
            product="focus",
            current_days=3,
            best_days=3,
            last_date="2026-02-19",
            start_date="2026-02-17",
            as_of_date="2026-02-20",
        ),
        applied_through=4,
    )


async def test_nobody_known_has_an_empty_standing_over_all_products(stats: Stats, me: Metadata) -> None:
    answer = await stats.GetStanding(pb.GetStandingRequest(), metadata=me)
    assert answer == pb.GetStandingResponse(
        totals=progress_pb2.Totals(product="all"),
        streak=progress_pb2.Streak(product="all", as_of_date="2026-02-20"),
    )


@pytest.mark.parametrize(
    ("last_zone", "rollover", "sent_zone", "as_of", "current"),
    [
        ("UTC", 0, None, "2026-02-20", 1),
        # 01:00 on the 21st, when the 19th is neither today nor yesterday.
        ("Pacific/Auckland", 0, None, "2026-02-21", 0),
        # The same hour before the day turns at four.
        ("Pacific/Auckland", 4, None, "2026-02-20", 1),
        # The call's own zone wins.
        ("Pacific/Auckland", 0, "America/Los_Angeles", "2026-02-20", 1),
        # It cuts the 20th short, which is no missed day then.
        ("UTC", 0, "Pacific/Kiritimati", "2026-02-21", 1),
    ],
)
async def test_today_is_the_callers_own_day(
    stats: Stats,
    me: Metadata,
    apply: Apply,
    last_zone: str,
    rollover: int,
    sent_zone: str | None,
    as_of: str,
    current: int,
) -> None:
    apply(*history(1, DAYS[-1:], time_zone=last_zone, rollover_hour=rollover))
    metadata = (*me, ("x-time-zone", sent_zone)) if sent_zone else me
    streak = (await stats.GetStanding(pb.GetStandingRequest(), metadata=metadata)).streak
    assert (streak.as_of_date, streak.current_days, streak.best_days) == (as_of, current, 1)


async def test_daily_progress_lists_days_with_practice_oldest_first(
    stats: Stats, me: Metadata, apply: Apply
) -> None:
    apply(*history(1, [date(2026, 1, 20), date(2026, 1, 21), *DAYS[::-1], DAYS[0]]))
    answer = await stats.ListDailyProgress(pb.ListDailyProgressRequest(), metadata=me)
    assert [(day.date, day.session_count) for day in answer.days] == [
        # 30 days before the 20th of February, and on.
        ("2026-01-21", 1),
        ("2026-02-15", 2),
        ("2026-02-17", 1),
        ("2026-02-18", 1),
        ("2026-02-19", 1),
    ]
    assert {day.product for day in answer.days} == {"all"}
    some = pb.ListDailyProgressRequest(product="focus", from_date="2026-02-17", to_date="2026-02-18")
    answer = await stats.ListDailyProgress(some, metadata=me)
    assert [(day.date, day.elapsed_seconds) for day in answer.days] == [
        ("2026-02-17", 1500),
        ("2026-02-18", 1500),
    ]


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("2026-02-30", "", "from_date"),
        ("", "2026-13-01", "to_date"),
        ("2026-02-02", "2026-02-01", "to_date"),
        ("2025-01-01", "2026-01-03", "to_date"),
        ("yesterday", "", "from_date"),
    ],
)
async def test_days_that_cannot_be_are_refused(
    stats: Stats, me: Metadata, first: str, last: str, field: str
) -> None:
    request = pb.ListDailyProgressRequest(from_date=first, to_date=last)
    refused = await refusal(stats.ListDailyProgress(request, metadata=me))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert refused.metadata["field"] == field


async def test_the_first_day_of_the_calendar_can_be_asked_for(stats: Stats, me: Metadata) -> None:
    request = pb.ListDailyProgressRequest(to_date="0001-01-01")
    assert not (await stats.ListDailyProgress(request, metadata=me)).days


async def test_badges_are_listed_newest_first_and_by_product(
    stats: Stats, me: Metadata, apply: Apply, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("first", 1), badge("third", 3), badge("any", 2, product="all"))
    facts = history(1, DAYS)
    apply(*facts)
    listed = (await stats.ListAwardedBadges(pb.ListAwardedBadgesRequest(), metadata=me)).badges
    assert [each.badge.badge_id for each in listed] == ["third", "any", "first"]
    third = listed[0]
    assert third.session_id == facts[2].session_id
    assert third.award_time.ToDatetime(facts[2].end_time.tzinfo) == facts[2].end_time
    assert third.badge == progress_pb2.BadgeDefinition(
        badge_id="third",
        version=1,
        name="Third",
        description="Reach 3 sessions.",
        icon="🌱",
        product="focus",
        condition="focus.sessions >= 3",
        state=progress_pb2.BADGE_STATE_ACTIVE,
    )
    over_all = await stats.ListAwardedBadges(pb.ListAwardedBadgesRequest(product="all"), metadata=me)
    assert [each.badge.badge_id for each in over_all.badges] == ["any"]


@pytest.mark.parametrize("product", ["no-pe", "Focus", "focus ", "f" * 41])
async def test_what_can_be_no_products_name_is_refused_and_has_no_zeros(
    stats: Stats, me: Metadata, product: str
) -> None:
    for call in (
        stats.GetStanding(pb.GetStandingRequest(product=product), metadata=me),
        stats.ListDailyProgress(pb.ListDailyProgressRequest(product=product), metadata=me),
        stats.ListAwardedBadges(pb.ListAwardedBadgesRequest(product=product), metadata=me),
    ):
        refused = await refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
        assert refused.metadata["field"] == "product"


@pytest.mark.parametrize("product", ["exercises", "focus", "portal", "yoga", "design", "chess", "all", ""])
async def test_every_product_can_be_asked_for(stats: Stats, me: Metadata, product: str) -> None:
    standing = await stats.GetStanding(pb.GetStandingRequest(product=product), metadata=me)
    assert standing.totals.product == (product or "all")
    await stats.ListDailyProgress(pb.ListDailyProgressRequest(product=product), metadata=me)
    await stats.ListAwardedBadges(pb.ListAwardedBadgesRequest(product=product), metadata=me)


async def test_a_read_waits_for_the_completion_it_names(stats: Stats, me: Metadata, apply: Apply) -> None:
    first, second = history(1, DAYS[:2])
    apply(first)
    reading = asyncio.ensure_future(stats.GetStanding(pb.GetStandingRequest(min_user_seq=2), metadata=me))
    await asyncio.sleep(0)
    await asyncio.to_thread(apply, second)
    answer = await reading
    assert (answer.totals.session_count, answer.pending) == (2, False)


async def test_a_read_says_when_the_completion_it_names_is_still_pending(
    stats: Stats, me: Metadata, apply: Apply
) -> None:
    first, _, third = history(1, DAYS[:3])
    apply(first, third)
    standing = pb.GetStandingRequest(min_user_seq=3)
    days = pb.ListDailyProgressRequest(min_user_seq=3)
    badges = pb.ListAwardedBadgesRequest(min_user_seq=3)
    answers = await asyncio.gather(
        stats.GetStanding(standing, metadata=me),
        stats.ListDailyProgress(days, metadata=me),
        stats.ListAwardedBadges(badges, metadata=me),
    )
    assert [answer.pending for answer in answers] == [True, True, True]
    assert answers[0].totals.session_count == 2


async def test_another_service_waits_until_an_event_is_counted(
    admin: Admin, internal: Metadata, apply: Apply, redis_url: str
) -> None:
    first, second, _, fourth = history(1, DAYS)
    apply(first, fourth)

    async def pending(user_seq: int) -> bool:
        request = pb.WaitUntilAppliedRequest(user_id=1, user_seq=user_seq)
        return (await admin.WaitUntilApplied(request, metadata=internal)).pending

    assert [await pending(1), await pending(4)] == [False, True]
    waiting = asyncio.ensure_future(pending(2))
    await asyncio.sleep(0)
    hints = BlockingHintSender(redis_url, COUNTED_HINTS)
    await asyncio.to_thread(apply, second, announce=hints.send)
    assert not await waiting
    hints.close()
    for wrong in (pb.WaitUntilAppliedRequest(user_id=1), pb.WaitUntilAppliedRequest(user_seq=1)):
        refused = await refusal(admin.WaitUntilApplied(wrong, metadata=internal))
        assert refused.code == grpc.StatusCode.INVALID_ARGUMENT


async def test_people_see_only_their_own(stats: Stats, tokens: TestTokens, apply: Apply) -> None:
    apply(*history(1, DAYS))
    other = tuple(tokens.bearer(2))
    assert (await stats.GetStanding(pb.GetStandingRequest(), metadata=other)).totals.session_count == 0


async def test_a_call_without_a_token_is_refused(stats: Stats) -> None:
    assert (await refusal(stats.GetStanding(pb.GetStandingRequest()))).code == grpc.StatusCode.UNAUTHENTICATED


async def test_administration_is_for_the_platforms_own_services(admin: Admin, me: Metadata) -> None:
    calls: list[Awaitable[object]] = [
        admin.GetApplied(pb.GetAppliedRequest(event_ids=[str(uuid4())]), metadata=me),
        admin.GetUserStanding(pb.GetUserStandingRequest(user_id=1), metadata=me),
        admin.WaitUntilApplied(pb.WaitUntilAppliedRequest(user_id=1, user_seq=1), metadata=me),
        admin.GetCompletionEffects(pb.GetCompletionEffectsRequest(user_id=1, session_id=1), metadata=me),
        admin.ListUserDailyProgress(pb.ListUserDailyProgressRequest(user_id=1), metadata=me),
        admin.LoadBadgeDefinitions(pb.LoadBadgeDefinitionsRequest(), metadata=me),
    ]
    for call in calls:
        assert (await refusal(call)).code == grpc.StatusCode.PERMISSION_DENIED


async def test_applied_and_refused_events_are_told_apart(
    admin: Admin, internal: Metadata, apply: Apply
) -> None:
    good, clashing, unknown = completion(), completion(), uuid4()
    apply(good, replace(clashing, session_id=good.session_id), replace(good, mode="forged"))
    ids = [str(good.event_id), str(clashing.event_id), str(unknown)]
    answer = await admin.GetApplied(pb.GetAppliedRequest(event_ids=ids), metadata=internal)
    assert answer.applied_event_ids == [str(good.event_id)]
    assert [each.event_id for each in answer.rejected_events] == [str(clashing.event_id)]
    assert "another fact" in answer.rejected_events[0].reason


async def test_a_users_standing_is_what_the_user_sees(
    stats: Stats, admin: Admin, me: Metadata, internal: Metadata, apply: Apply
) -> None:
    apply(*history(1, DAYS))
    mine = await stats.GetStanding(pb.GetStandingRequest(product="focus", min_user_seq=4), metadata=me)
    request = pb.GetUserStandingRequest(user_id=1, product="focus", min_user_seq=4)
    assert await admin.GetUserStanding(request, metadata=internal) == mine


async def test_a_users_days_are_what_the_user_sees(
    stats: Stats, admin: Admin, me: Metadata, internal: Metadata, apply: Apply
) -> None:
    apply(*history(1, DAYS))
    first, last = "2026-02-01", "2026-02-18"
    mine = pb.ListDailyProgressRequest(from_date=first, to_date=last, min_user_seq=4)
    users = pb.ListUserDailyProgressRequest(user_id=1, from_date=first, to_date=last, min_user_seq=4)
    seen = await stats.ListDailyProgress(mine, metadata=me)
    assert len(seen.days) == 3
    assert await admin.ListUserDailyProgress(users, metadata=internal) == seen


async def test_the_effects_of_a_completion_are_its_standing_and_its_own_badges(
    admin: Admin, internal: Metadata, apply: Apply, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("first", 1), badge("third", 3), badge("any", 3, product="all"))
    facts = history(1, DAYS[:3])
    apply(*facts)

    async def effects(session_id: int, seq: int) -> pb.GetCompletionEffectsResponse:
        request = pb.GetCompletionEffectsRequest(
            user_id=1, product="focus", session_id=session_id, min_user_seq=seq
        )
        return await admin.GetCompletionEffects(request, metadata=internal)

    last = await effects(facts[2].session_id, 3)
    assert [each.badge.badge_id for each in last.badges] == ["any", "third"]
    assert (last.totals.session_count, last.streak.best_days, last.pending) == (3, 2, False)
    assert [each.badge.badge_id for each in (await effects(facts[0].session_id, 1)).badges] == ["first"]
    assert not (await effects(facts[1].session_id, 2)).badges
    missing = await effects(99, 4)
    assert (missing.pending, len(missing.badges)) == (True, 0)


async def test_definitions_are_loaded_all_or_none(admin: Admin, internal: Metadata) -> None:
    good = progress_pb2.BadgeDefinition(
        badge_id="good",
        name="Good",
        description="One.",
        icon="🌱",
        product="focus",
        condition="focus.days >= 1",
    )
    bad = progress_pb2.BadgeDefinition(badge_id="bad", condition="focus.smiles > 1")
    request = pb.LoadBadgeDefinitionsRequest(badge_definitions=[good, bad])
    refused = await refusal(admin.LoadBadgeDefinitions(request, metadata=internal))
    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT
    only_good = pb.LoadBadgeDefinitionsRequest(badge_definitions=[good])
    first = await admin.LoadBadgeDefinitions(only_good, metadata=internal)
    again = await admin.LoadBadgeDefinitions(only_good, metadata=internal)
    assert (first.created_count, again.unchanged_count) == (1, 1)
