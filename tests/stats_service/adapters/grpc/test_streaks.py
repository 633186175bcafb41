"""Streaks, rest days and pauses, over a real server. It is noon of Friday, 20 February 2026, in UTC."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from practice.stats.v1 import streak_pb2
from practice.stats.v1 import streak_service_pb2 as pb
from sqlalchemy import Engine, select

from stats_service.adapters.db.tables import erased_user, learner, streak_entry
from tests.grpc_errors import Refusal, outcome, refusal
from tests.stats_service.conftest import Apply, Metadata, Streaks, days
from tests.stats_service.facts import completion, history
from tests.tokens import TestTokens

TODAY = days(0)[0]


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tuple(tokens.bearer(1))


async def current(streaks: Streaks, me: Metadata, product: str = "focus") -> int:
    told = await streaks.GetStreaks(pb.GetStreaksRequest(), metadata=me)
    return next((each.day.current for each in told.streaks if each.product == product), 0)


async def test_streaks_are_told_in_every_cadence_for_all_products_and_each(
    streaks: Streaks, me: Metadata, apply: Apply
) -> None:
    apply(*history(1, days(40, 9, 2, 1)), completion(user_id=1, product="yoga", local_date=TODAY))
    told = await streaks.GetStreaks(pb.GetStreaksRequest(), metadata=me)
    assert (told.as_of_date, told.freeze_limit, told.pending) == ("2026-02-20", 2, False)
    shown = [(each.product, each.day.current, each.week.current, each.month.current) for each in told.streaks]
    assert shown == [("all", 3, 2, 2), ("focus", 2, 2, 2), ("yoga", 1, 1, 1)]
    assert told.streaks[1].week == streak_pb2.CadenceStreak(
        current=2, best=2, start_date="2026-02-09", last_date="2026-02-16"
    )


async def test_nobody_known_has_an_empty_streak_over_all(streaks: Streaks, me: Metadata) -> None:
    told = await streaks.GetStreaks(pb.GetStreaksRequest(), metadata=me)
    assert [(each.product, each.day.current, each.freezes_held) for each in told.streaks] == [("all", 0, 0)]


async def test_rest_days_are_in_force_from_their_day_on_and_never_before(
    streaks: Streaks, me: Metadata, apply: Apply
) -> None:
    # Thursday was missed, and is over.
    apply(*history(1, days(3, 2)))
    thursday, weekend = pb.SetRestDaysRequest(weekdays=[3]), pb.SetRestDaysRequest(weekdays=[6, 5])
    weekend.effective_date = "2026-03-01"
    first = await streaks.SetRestDays(thursday, metadata=me)
    assert (list(first.weekdays), first.effective_date) == ([3], "2026-02-20")
    await streaks.SetRestDays(weekend, metadata=me)
    assert await current(streaks, me) == 0
    listed = (await streaks.ListRestDays(pb.ListRestDaysRequest(), metadata=me)).rest_days
    assert [(list(each.weekdays), each.effective_date) for each in listed] == [
        ([3], "2026-02-20"),
        ([5, 6], "2026-03-01"),
    ]


@pytest.mark.parametrize("effective", ["2026-02-19", "2027-02-22"])
async def test_rest_days_begin_today_or_within_a_year(streaks: Streaks, me: Metadata, effective: str) -> None:
    refused = await refusal(
        streaks.SetRestDays(pb.SetRestDaysRequest(weekdays=[1], effective_date=effective), metadata=me)
    )
    assert (refused.reason, refused.metadata) == (
        "DATE_OUT_OF_RANGE",
        {"field": "effective_date", "earliest": "2026-02-20", "latest": "2027-02-21"},
    )


@pytest.mark.parametrize(
    "weekdays", [[7], [-1], [1, 1], [0, 1, 2, 3, 4, 5, 6], [1.5], ["1"], [True], [None], [[1]]]
)
async def test_what_are_no_rest_days_is_refused(streaks: Streaks, me: Metadata, weekdays: list[Any]) -> None:
    refused = await refusal(streaks.SetRestDays(pb.SetRestDaysRequest(weekdays=weekdays), metadata=me))
    assert (refused.reason, refused.metadata["field"]) == ("FIELD_INVALID", "weekdays")


async def test_rest_days_are_cleared_by_an_empty_list_and_never_by_none(
    streaks: Streaks, me: Metadata
) -> None:
    await streaks.SetRestDays(pb.SetRestDaysRequest(weekdays=[3]), metadata=me)
    refused = await refusal(streaks.SetRestDays(pb.SetRestDaysRequest(), metadata=me))
    assert (refused.reason, refused.metadata["field"]) == ("FIELD_INVALID", "weekdays")
    listed = (await streaks.ListRestDays(pb.ListRestDaysRequest(), metadata=me)).rest_days
    assert [list(each.weekdays) for each in listed] == [[3]]
    cleared = await streaks.SetRestDays(pb.SetRestDaysRequest(weekdays=[]), metadata=me)
    assert list(cleared.weekdays) == []


async def test_a_pause_is_planned_listed_and_ended_early(streaks: Streaks, me: Metadata) -> None:
    plan = pb.PlanPauseRequest(first_date="2026-02-20", last_date="2026-03-01")
    planned = await streaks.PlanPause(plan, metadata=me)
    assert (planned.first_date, planned.last_date, planned.end_date) == (
        "2026-02-20",
        "2026-03-01",
        "2026-03-01",
    )
    cancel = pb.CancelPauseRequest(name=planned.name, from_date="2026-02-25")
    ended = await streaks.CancelPause(cancel, metadata=me)
    assert (ended.name, ended.end_date) == (planned.name, "2026-02-24")
    # Again, or later, changes nothing; earlier ends it earlier.
    cancel.from_date = "2026-02-27"
    assert await streaks.CancelPause(cancel, metadata=me) == ended
    called_off = await streaks.CancelPause(pb.CancelPauseRequest(name=planned.name), metadata=me)
    assert called_off.end_date == "2026-02-19"
    listed = await streaks.ListPauses(pb.ListPausesRequest(), metadata=me)
    assert list(listed.pauses) == [called_off]


async def test_pauses_are_paged_the_latest_first(streaks: Streaks, me: Metadata) -> None:
    for first in ("2026-03-01", "2026-05-01", "2026-04-01"):
        await streaks.PlanPause(pb.PlanPauseRequest(first_date=first, last_date=first), metadata=me)
    page = await streaks.ListPauses(pb.ListPausesRequest(page_size=2), metadata=me)
    assert [pause.first_date for pause in page.pauses] == ["2026-05-01", "2026-04-01"]
    page = await streaks.ListPauses(
        pb.ListPausesRequest(page_size=2, page_token=page.next_page_token), metadata=me
    )
    assert [pause.first_date for pause in page.pauses] == ["2026-03-01"]
    assert page.next_page_token == ""


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        ("2026-02-19", "2026-02-21", "DATE_OUT_OF_RANGE"),
        ("2027-03-01", "2027-03-02", "DATE_OUT_OF_RANGE"),
        ("2026-02-22", "2026-02-21", "DATE_OUT_OF_RANGE"),
        ("2026-06-01", "2026-07-31", "PAUSE_TOO_LONG"),
        ("2026-03-05", "2026-03-05", "PAUSE_OVERLAPS"),
        ("2026-02-30", "2026-03-05", "FIELD_INVALID"),
    ],
)
async def test_what_is_no_pause_is_refused(
    streaks: Streaks, me: Metadata, first: str, last: str, reason: str
) -> None:
    await streaks.PlanPause(pb.PlanPauseRequest(first_date="2026-03-01", last_date="2026-03-05"), metadata=me)
    refused = await refusal(
        streaks.PlanPause(pb.PlanPauseRequest(first_date=first, last_date=last), metadata=me)
    )
    assert refused.reason == reason


async def test_the_longest_pause_has_sixty_days(streaks: Streaks, me: Metadata) -> None:
    plan = pb.PlanPauseRequest(first_date="2026-06-01", last_date="2026-07-30")
    assert (await streaks.PlanPause(plan, metadata=me)).last_date == "2026-07-30"


async def test_another_persons_pause_is_not_there_and_one_of_the_past_is_over(
    streaks: Streaks, me: Metadata, tokens: TestTokens
) -> None:
    plan = pb.PlanPauseRequest(first_date="2026-02-20", last_date="2026-02-20")
    # It is still the 20th in the learner's zone; two days on in the zone that they send then.
    planned = await streaks.PlanPause(plan, metadata=me)
    others = await refusal(
        streaks.CancelPause(pb.CancelPauseRequest(name=planned.name), metadata=tokens.bearer(2))
    )
    assert others.reason == "PAUSE_NOT_FOUND"
    ahead = (*me, ("x-time-zone", "Pacific/Kiritimati"))
    over = await refusal(streaks.CancelPause(pb.CancelPauseRequest(name=planned.name), metadata=ahead))
    assert (over.reason, over.metadata) == ("PAUSE_OVER", {"end_date": "2026-02-20"})


async def test_of_two_pauses_of_the_same_days_at_once_one_is_planned(streaks: Streaks, me: Metadata) -> None:
    plan = pb.PlanPauseRequest(first_date="2026-03-01", last_date="2026-03-09")
    told = await asyncio.gather(*(outcome(streaks.PlanPause(plan, metadata=me)) for _ in range(4)))
    assert [each.reason for each in told if isinstance(each, Refusal)] == ["PAUSE_OVERLAPS"] * 3


async def test_at_most_fifty_changes_are_recorded_in_a_day(streaks: Streaks, me: Metadata) -> None:
    for number in range(50):
        weekdays = [number % 7]
        await streaks.SetRestDays(pb.SetRestDaysRequest(weekdays=weekdays), metadata=me)
    refused = await refusal(streaks.SetRestDays(pb.SetRestDaysRequest(weekdays=[1]), metadata=me))
    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert refused.metadata["limit"] == "50"


@pytest.mark.parametrize("token", ["x", "W10", "bm8"])
async def test_a_page_token_made_elsewhere_is_refused(streaks: Streaks, me: Metadata, token: str) -> None:
    for call in (
        streaks.ListPauses(pb.ListPausesRequest(page_token=token), metadata=me),
        streaks.GetFreezes(pb.GetFreezesRequest(page_token=token), metadata=me),
    ):
        assert (await refusal(call)).reason == "PAGE_TOKEN_INVALID"


async def test_somebody_new_is_made_known_by_what_they_record(
    streaks: Streaks, me: Metadata, engine: Engine
) -> None:
    await streaks.BuyFreeze(pb.BuyFreezeRequest(), metadata=me)
    with engine.connect() as connection:
        assert connection.execute(select(learner.c.catalogue_revision)).scalar_one() == -1


async def test_nothing_is_recorded_for_somebody_who_was_erased(
    streaks: Streaks, me: Metadata, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(erased_user.insert().values(user_id=1, request_id="r", removed={}, corrected={}))
    for request in (pb.SetRestDaysRequest(weekdays=[1]), pb.SetRestDaysRequest(weekdays=[1], request_id="a")):
        refused = await refusal(streaks.SetRestDays(request, metadata=me))
        assert refused.reason == "ACCOUNT_ERASED"
    with engine.connect() as connection:
        assert connection.execute(select(streak_entry.c.entry_id)).all() == []
