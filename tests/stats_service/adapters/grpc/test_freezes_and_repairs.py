"""Freezes and repairs, over a real server. It is noon of Friday, 20 February 2026, in UTC."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest
from practice.stats.v1 import streak_pb2
from practice.stats.v1 import streak_service_pb2 as pb
from sqlalchemy import Engine, func, select

from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.adapters.db.tables import freeze_ledger, standing, streak_entry
from stats_service.application.backfill import BackfillBadges
from tests.grpc_errors import Refusal, outcome, refusal
from tests.stats_service.conftest import NOW, Apply, Metadata, StreakOperators, Streaks, day, days
from tests.stats_service.facts import completion, history
from tests.tokens import TestTokens


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tuple(tokens.bearer(1))


async def current(streaks: Streaks, me: Metadata, product: str = "focus") -> int:
    told = await streaks.GetStreaks(pb.GetStreaksRequest(), metadata=me)
    return next((each.day.current for each in told.streaks if each.product == product), 0)


def repair(missed: date, **changes: Any) -> pb.RepairStreakRequest:
    fields = {
        "user_id": 1,
        "product": "focus",
        "date": missed.isoformat(),
        "actor": "op@example.com",
        "reason": "our outage",
    }
    return pb.RepairStreakRequest(**{**fields, **changes})


def grant(**changes: Any) -> pb.GrantFreezeRequest:
    fields = {"user_id": 1, "product": "focus", "actor": "op@example.com", "reason": "sorry"}
    return pb.GrantFreezeRequest(**{**fields, **changes})


async def bought_on(engine: Engine, *ago: timedelta) -> None:
    """Records purchases of the first account as long ago as told."""
    with engine.begin() as connection:
        for each in ago:
            connection.execute(
                streak_entry.insert().values(
                    entry_id=uuid4(),
                    user_id=1,
                    kind="freeze_granted",
                    product="yoga",
                    first_day=day(60),
                    source="bought",
                    held_at_most=2,
                    recorded_at=NOW - each,
                )
            )


MONTH = timedelta(days=30)


@pytest.mark.parametrize("chosen", [{"freeze_limit": 9}])
async def test_an_account_can_buy_two_freezes_in_thirty_days_whichever_streaks_they_are_for(
    streaks: Streaks, operators: StreakOperators, me: Metadata, internal: Metadata, engine: Engine
) -> None:
    await bought_on(engine, MONTH, MONTH - timedelta(seconds=90))
    assert (await streaks.BuyFreeze(pb.BuyFreezeRequest(product="focus"), metadata=me)).held == 1
    for product in ("focus", "exercises", ""):
        refused = await refusal(streaks.BuyFreeze(pb.BuyFreezeRequest(product=product), metadata=me))
        assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")
        assert refused.metadata == {"quota": "freeze_purchases", "limit": "2", "retry_after": "90"}
    # What operators grant is no purchase, and is not limited by them.
    assert (await operators.GrantFreeze(grant(product="all"), metadata=internal)).product == "all"


@pytest.mark.parametrize("chosen", [{"freeze_limit": 9, "freeze_purchases": 0}])
async def test_where_no_purchases_are_allowed_nobody_buys(streaks: Streaks, me: Metadata) -> None:
    refused = await refusal(streaks.BuyFreeze(pb.BuyFreezeRequest(), metadata=me))
    assert (refused.reason, refused.metadata["limit"]) == ("QUOTA_EXCEEDED", "0")


@pytest.mark.parametrize("chosen", [{"freeze_purchases": 9}])
async def test_a_freeze_is_bought_until_the_limit_and_used_by_a_missed_day(
    streaks: Streaks, me: Metadata, apply: Apply, store: SqlLearnerStore, engine: Engine
) -> None:
    apply(*history(1, days(1, 0)))
    buy = pb.BuyFreezeRequest(product="focus")
    assert [(await streaks.BuyFreeze(buy, metadata=me)).held for _ in range(2)] == [1, 2]
    refused = await refusal(streaks.BuyFreeze(buy, metadata=me))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "FREEZE_LIMIT_REACHED")
    assert refused.metadata == {"product": "focus", "limit": "2"}
    # The streak over all products has freezes of its own.
    assert (await streaks.BuyFreeze(pb.BuyFreezeRequest(), metadata=me)).product == "all"
    # The day after tomorrow, tomorrow has used one.
    apply(completion(user_id=1, user_seq=7, local_date=day(-2)))
    told = await streaks.GetFreezes(pb.GetFreezesRequest(product="focus"), metadata=me)
    assert [(change.kind, change.date) for change in told.changes] == [
        (streak_pb2.FreezeChange.KIND_USED, "2026-02-21"),
        (streak_pb2.FreezeChange.KIND_BOUGHT, "2026-02-20"),
        (streak_pb2.FreezeChange.KIND_BOUGHT, "2026-02-20"),
    ]
    assert (told.held, all(change.HasField("record_time") for change in told.changes)) == (1, True)
    # A late session of that day gives it back.
    apply(completion(user_id=1, user_seq=8, local_date=day(-1)))
    told = await streaks.GetFreezes(pb.GetFreezesRequest(product="focus", page_size=1), metadata=me)
    assert (told.held, told.changes[0].kind, len(told.changes)) == (
        2,
        streak_pb2.FreezeChange.KIND_REFUNDED,
        1,
    )
    more = pb.GetFreezesRequest(product="focus", page_token=told.next_page_token)
    told = await streaks.GetFreezes(more, metadata=me)
    assert [change.kind for change in told.changes] == [
        streak_pb2.FreezeChange.KIND_USED,
        streak_pb2.FreezeChange.KIND_BOUGHT,
        streak_pb2.FreezeChange.KIND_BOUGHT,
    ]


@pytest.mark.parametrize("chosen", [{"freeze_limit": 1}])
async def test_the_limit_is_a_setting_and_freezes_of_before_are_still_held(
    streaks: Streaks,
    operators: StreakOperators,
    me: Metadata,
    internal: Metadata,
    apply: Apply,
    engine: Engine,
) -> None:
    apply(*history(1, days(1, 0)))
    bought = await streaks.BuyFreeze(pb.BuyFreezeRequest(product="focus"), metadata=me)
    assert (bought.held, bought.limit) == (1, 1)
    for refused in (
        await refusal(streaks.BuyFreeze(pb.BuyFreezeRequest(product="focus"), metadata=me)),
        await refusal(operators.GrantFreeze(grant(), metadata=internal)),
    ):
        assert (refused.reason, refused.metadata["limit"]) == ("FREEZE_LIMIT_REACHED", "1")
    granted = await operators.GrantFreeze(grant(product="all"), metadata=internal)
    assert granted.held_at_most == 1
    # Two from a time when two could be held.
    with engine.begin() as connection:
        for _ in range(2):
            connection.execute(
                streak_entry.insert().values(
                    entry_id=uuid4(),
                    user_id=1,
                    kind="freeze_granted",
                    product="focus",
                    first_day=day(9),
                    source="bought",
                    held_at_most=2,
                )
            )
    told = await streaks.GetFreezes(pb.GetFreezesRequest(product="focus"), metadata=me)
    assert (told.held, told.limit) == (2, 1)
    assert (await streaks.GetStreaks(pb.GetStreaksRequest(), metadata=me)).freeze_limit == 1


async def test_what_missed_days_use_as_of_today_is_told_before_it_is_written(
    streaks: Streaks, me: Metadata, apply: Apply, engine: Engine
) -> None:
    apply(*history(1, days(3, 2)))
    with engine.begin() as connection:
        connection.execute(
            streak_entry.insert().values(
                entry_id=uuid4(),
                user_id=1,
                kind="freeze_granted",
                product="focus",
                first_day=day(3),
                source="granted",
                held_at_most=2,
            )
        )
    told = await streaks.GetFreezes(pb.GetFreezesRequest(product="focus"), metadata=me)
    assert (told.held, told.as_of_date) == (0, "2026-02-20")
    assert [(change.kind, change.date, change.HasField("record_time")) for change in told.changes] == [
        (streak_pb2.FreezeChange.KIND_USED, "2026-02-19", False),
        (streak_pb2.FreezeChange.KIND_GRANTED, "2026-02-17", True),
    ]
    assert await current(streaks, me) == 2


async def test_of_two_who_buy_the_last_freeze_at_once_one_gets_it(
    streaks: Streaks, me: Metadata, engine: Engine
) -> None:
    buy = pb.BuyFreezeRequest(product="focus")
    await streaks.BuyFreeze(buy, metadata=me)
    told = await asyncio.gather(*(outcome(streaks.BuyFreeze(buy, metadata=me)) for _ in range(8)))
    refused = [each.reason for each in told if isinstance(each, Refusal)]
    assert refused == ["FREEZE_LIMIT_REACHED"] * 7
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(streak_entry)).scalar_one() == 2


async def test_a_request_that_is_sent_again_records_once_and_gets_the_same_answer(
    streaks: Streaks,
    operators: StreakOperators,
    me: Metadata,
    internal: Metadata,
    apply: Apply,
    engine: Engine,
) -> None:
    apply(*history(1, days(4, 3, 1, 0)))
    calls: list[Any] = [
        (streaks.BuyFreeze, pb.BuyFreezeRequest(product="focus", request_id="a"), me),
        (streaks.SetRestDays, pb.SetRestDaysRequest(weekdays=[2], request_id="b"), me),
        (
            streaks.PlanPause,
            pb.PlanPauseRequest(first_date="2026-03-01", last_date="2026-03-02", request_id="c"),
            me,
        ),
        (operators.GrantFreeze, grant(request_id="a"), internal),
        (operators.RepairStreak, repair(day(2), request_id="b"), internal),
    ]
    for method, request, metadata in calls:
        together = await asyncio.gather(*(method(request, metadata=metadata) for _ in range(3)))
        assert together[0] == together[1] == together[2]
        assert await method(request, metadata=metadata) == together[0]
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(streak_entry)).scalar_one() == 5
    reused = await refusal(streaks.BuyFreeze(pb.BuyFreezeRequest(request_id="a"), metadata=me))
    assert reused.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_an_operator_repairs_the_day_that_ended_a_streak_and_that_is_on_record(
    streaks: Streaks, operators: StreakOperators, me: Metadata, internal: Metadata, apply: Apply
) -> None:
    apply(*history(1, days(4, 3, 1, 0)))
    assert await current(streaks, me) == 2
    repaired = await operators.RepairStreak(repair(day(2)), metadata=internal)
    assert (repaired.kind, repaired.first_date, repaired.actor, repaired.reason) == (
        streak_pb2.StreakEntry.KIND_REPAIRED,
        "2026-02-18",
        "op@example.com",
        "our outage",
    )
    assert await current(streaks, me) == 4
    # Only this one streak.
    assert await current(streaks, me, "all") == 2
    granted = await operators.GrantFreeze(grant(), metadata=internal)
    assert (granted.source, granted.actor, granted.reason) == ("granted", "op@example.com", "sorry")
    page = pb.ListStreakEntriesRequest(user_id=1, page_size=1)
    listed = await operators.ListStreakEntries(page, metadata=internal)
    assert list(listed.entries) == [granted]
    page.page_token = listed.next_page_token
    listed = await operators.ListStreakEntries(page, metadata=internal)
    assert (list(listed.entries), listed.next_page_token) == ([repaired], "")


@pytest.mark.parametrize(
    ("missed", "reason"),
    [
        (0, "REPAIR_DAY_NOT_OVER"),
        (-1, "REPAIR_DAY_NOT_OVER"),
        (3, "REPAIR_NOT_NEEDED"),
        (5, "REPAIR_WITHOUT_STREAK"),
        (1, "REPAIR_WITHOUT_STREAK"),
    ],
)
async def test_a_day_that_ended_no_streak_is_not_repaired(
    operators: StreakOperators, internal: Metadata, apply: Apply, missed: int, reason: str
) -> None:
    # The 18th ended it.
    apply(*history(1, days(4, 3)))
    refused = await refusal(operators.RepairStreak(repair(day(missed)), metadata=internal))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, reason)


@pytest.mark.parametrize("missing", ["actor", "reason"])
async def test_a_repair_without_a_name_or_a_reason_is_refused(
    operators: StreakOperators, internal: Metadata, missing: str
) -> None:
    refused = await refusal(operators.RepairStreak(repair(day(2), **{missing: ""}), metadata=internal))
    assert refused.reason == "FIELD_INVALID"


async def test_operators_calls_need_the_platforms_own_secret(
    operators: StreakOperators, me: Metadata
) -> None:
    assert (await refusal(operators.RepairStreak(repair(day(2)), metadata=me))).reason == "NOT_PERMITTED"


async def test_a_repair_gives_back_the_freeze_that_the_day_used_once_progress_is_derived_anew(
    operators: StreakOperators,
    internal: Metadata,
    apply: Apply,
    store: SqlLearnerStore,
    engine: Engine,
) -> None:
    apply(*history(1, days(6, 5)))
    with engine.begin() as connection:
        connection.execute(
            streak_entry.insert().values(
                entry_id=uuid4(),
                user_id=1,
                kind="freeze_granted",
                product="focus",
                first_day=day(5),
                source="granted",
                held_at_most=2,
            )
        )
    apply(completion(user_id=1, user_seq=9, local_date=day(3)))
    assert stored_freezes(engine) == ([day(4)], ["used"])
    await operators.RepairStreak(repair(day(4)), metadata=internal)
    assert store.outdated(0, 10) == [1]
    BackfillBadges(store)(0)
    assert store.outdated(0, 10) == []
    assert stored_freezes(engine) == ([], ["used", "refunded"])


def stored_freezes(engine: Engine) -> tuple[list[date], list[str]]:
    with engine.connect() as connection:
        frozen = connection.execute(
            select(standing.c.frozen).where(standing.c.product == "focus")
        ).scalar_one()
        ledger = select(freeze_ledger.c.change).order_by(freeze_ledger.c.id)
        return frozen, list(connection.execute(ledger).scalars())
