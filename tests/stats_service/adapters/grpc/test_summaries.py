"""Heatmaps, summaries and hours, over a real server and stub. It is noon of 20 February 2026 in UTC."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, TypeAlias

import grpc
import pytest
from practice.stats.v1 import streak_pb2, summary_pb2, summary_service_pb2_grpc
from practice.stats.v1 import summary_service_pb2 as pb
from sqlalchemy import Engine, insert

from stats_service.adapters.db.tables import streak_entry
from tests.grpc_errors import refusal
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion, history
from tests.tokens import TestTokens

Summaries: TypeAlias = "summary_service_pb2_grpc.SummaryServiceAsyncStub"
Metadata = tuple[tuple[str, str], ...]
TODAY = date(2026, 2, 20)


@pytest.fixture
def told(channel: grpc.aio.Channel) -> Summaries:
    return summary_service_pb2_grpc.SummaryServiceStub(channel)


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tuple(tokens.bearer(1))


async def test_a_year_has_its_days_what_kept_them_and_the_current_streak(
    told: Summaries, me: Metadata, apply: Apply, engine: Engine
) -> None:
    with engine.begin() as connection:
        pause = {
            "entry_id": "00000000-0000-0000-0000-000000000001",
            "user_id": 1,
            "kind": "planned_pause",
            "first_day": date(2026, 2, 17),
            "last_day": date(2026, 2, 18),
        }
        connection.execute(insert(streak_entry).values(pause))
    apply(*history(1, [date(2025, 12, 31), date(2026, 2, 15), date(2026, 2, 16), date(2026, 2, 19)]))
    year = await told.GetHeatmap(pb.GetHeatmapRequest(), metadata=me)
    assert (year.year, year.product, year.as_of_date, len(year.days)) == (2026, "all", "2026-02-20", 365)
    shown = [
        (day.date, day.session_count, day.level, day.keep_reason)
        for day in year.days
        if day.level or day.keep_reason or day.session_count
    ]
    assert shown == [
        ("2026-02-15", 1, 4, streak_pb2.KEEP_REASON_UNSPECIFIED),
        ("2026-02-16", 1, 4, streak_pb2.KEEP_REASON_UNSPECIFIED),
        ("2026-02-17", 0, 0, streak_pb2.KEEP_REASON_PAUSE),
        ("2026-02-18", 0, 0, streak_pb2.KEEP_REASON_PAUSE),
        ("2026-02-19", 1, 4, streak_pb2.KEEP_REASON_UNSPECIFIED),
    ]
    assert year.current_streak == summary_pb2.StreakSpan(
        start_date="2026-02-15", last_date="2026-02-19", days=3
    )
    before = await told.GetHeatmap(pb.GetHeatmapRequest(year=2025, product="focus"), metadata=me)
    assert [day.date for day in before.days if day.level] == ["2025-12-31"]
    other = await told.GetHeatmap(pb.GetHeatmapRequest(year=2025, product="yoga"), metadata=me)
    assert not [day for day in other.days if day.level]


@pytest.mark.parametrize(("year", "days"), [(1, 365), (2028, 366), (9999, 365)])
async def test_any_year_of_nobody_known_is_empty(told: Summaries, me: Metadata, year: int, days: int) -> None:
    empty = await told.GetHeatmap(pb.GetHeatmapRequest(year=year), metadata=me)
    assert len(empty.days) == days
    assert not empty.HasField("current_streak")


async def test_weeks_are_listed_with_the_change_the_best_day_and_the_products(
    told: Summaries, me: Metadata, apply: Apply
) -> None:
    apply(*history(1, [date(2026, 2, 9)], elapsed_seconds=100))
    apply(
        completion(user_id=1, user_seq=2, local_date=date(2026, 2, 16), elapsed_seconds=50),
        completion(
            user_id=1,
            user_seq=3,
            local_date=TODAY,
            elapsed_seconds=80,
            product="exercises",
            answer_count=4,
            correct_answer_count=3,
        ),
    )
    listed = await told.ListSummaries(pb.ListSummariesRequest(period="week"), metadata=me)
    assert (len(listed.summaries), listed.total_size, listed.next_page_token) == (12, 12, "")
    assert [week.session_count for week in listed.summaries] == [0] * 10 + [1, 2]
    assert listed.summaries[-1] == summary_pb2.Summary(
        start_date="2026-02-16",
        end_date="2026-02-22",
        session_count=2,
        elapsed_seconds=130,
        answer_count=4,
        correct_answer_count=3,
        day_count=2,
        change=summary_pb2.SummaryChange(session_count=1, elapsed_seconds=30, day_count=1),
        best_day=summary_pb2.SummaryDay(date="2026-02-20", session_count=1, elapsed_seconds=80),
        products=[
            summary_pb2.SummaryProduct(
                product="exercises",
                session_count=1,
                elapsed_seconds=80,
                answer_count=4,
                correct_answer_count=3,
            ),
            summary_pb2.SummaryProduct(product="focus", session_count=1, elapsed_seconds=50),
        ],
    )


async def test_pages_of_months_are_the_whole_list_in_parts(
    told: Summaries, me: Metadata, apply: Apply
) -> None:
    apply(*history(1, [date(2024, 1, 31) + timedelta(days=17 * number) for number in range(45)]))
    span = {"period": "month", "from_date": "2024-01-15", "to_date": "2026-02-01", "product": "focus"}
    whole = await told.ListSummaries(pb.ListSummariesRequest(**span, page_size=60), metadata=me)
    assert (len(whole.summaries), whole.total_size) == (26, 26)
    parts: list[summary_pb2.Summary] = []
    token = ""
    while not parts or token:
        page = await told.ListSummaries(
            pb.ListSummariesRequest(**span, page_size=9, page_token=token), metadata=me
        )
        parts += page.summaries
        token = page.next_page_token
    assert parts == list(whole.summaries)
    first = await told.ListSummaries(pb.ListSummariesRequest(**span, page_size=9), metadata=me)
    other = pb.ListSummariesRequest(**{**span, "product": "yoga"}, page_token=first.next_page_token)
    assert (await refusal(told.ListSummaries(other, metadata=me))).reason == "PAGE_TOKEN_INVALID"


async def test_hours_are_those_of_the_persons_own_clock(told: Summaries, me: Metadata, apply: Apply) -> None:
    apply(
        *history(1, [date(2026, 2, 16), date(2026, 2, 17)], local_minute=7 * 60 + 59, elapsed_seconds=60),
        completion(
            user_id=1,
            user_seq=3,
            local_date=date(2026, 2, 15),
            local_minute=0,
            answer_count=8,
            correct_answer_count=2,
            elapsed_seconds=600,
            product="exercises",
        ),
    )
    hours = await told.GetBestHours(pb.GetBestHoursRequest(), metadata=me)
    assert (hours.from_date, hours.to_date) == ("2025-11-22", "2026-02-20")
    assert list(hours.best_hours) == [0, 7]
    assert [each.hour for each in hours.hours] == list(range(24))
    assert hours.hours[0] == summary_pb2.HourTotals(
        hour=0,
        session_count=1,
        elapsed_seconds=600,
        answer_count=8,
        correct_answer_count=2,
        accuracy=0.25,
    )
    assert not hours.hours[7].HasField("accuracy")
    busy = [
        (day.weekday, hour.hour, hour.session_count)
        for day in hours.weekdays
        for hour in day.hours
        if hour.session_count
    ]
    assert busy == [(0, 7, 1), (1, 7, 1), (6, 0, 1)]
    focus = await told.GetBestHours(
        pb.GetBestHoursRequest(product="focus", from_date="2026-02-17"), metadata=me
    )
    assert [each.hour for each in focus.hours if each.session_count] == [7]


async def test_nobody_known_has_zeros(told: Summaries, me: Metadata) -> None:
    hours = await told.GetBestHours(pb.GetBestHoursRequest(), metadata=me)
    assert (len(hours.hours), len(hours.weekdays), list(hours.best_hours)) == (24, 7, [])
    months = await told.ListSummaries(pb.ListSummariesRequest(period="month"), metadata=me)
    assert [month.start_date for month in months.summaries][:: len(months.summaries) - 1] == [
        "2025-03-01",
        "2026-02-01",
    ]
    assert not any(month.HasField("best_day") or month.session_count for month in months.summaries)


async def test_every_read_waits_for_the_completion_it_names(
    told: Summaries, me: Metadata, apply: Apply
) -> None:
    apply(*history(1, [TODAY]))
    for seq, pending in ((1, False), (2, True)):
        answers: list[Any] = [
            await told.GetHeatmap(pb.GetHeatmapRequest(min_user_seq=seq), metadata=me),
            await told.ListSummaries(pb.ListSummariesRequest(period="week", min_user_seq=seq), metadata=me),
            await told.GetBestHours(pb.GetBestHoursRequest(min_user_seq=seq), metadata=me),
        ]
        assert [answer.pending for answer in answers] == [pending] * 3


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"period": "day"}, "period"),
        ({"period": ""}, "period"),
        ({"product": "Chess"}, "product"),
        ({"from_date": "2026-02-30"}, "from_date"),
        ({"from_date": "2026-02-20", "to_date": "2026-02-19"}, "to_date"),
        ({"from_date": "2010-01-01"}, "to_date"),
        ({"page_size": 61}, "page_size"),
    ],
    ids=str,
)
async def test_summaries_that_cannot_be_are_refused(
    told: Summaries, me: Metadata, fields: dict[str, Any], field: str
) -> None:
    request = pb.ListSummariesRequest(**{"period": "week", **fields})
    refused = await refusal(told.ListSummaries(request, metadata=me))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert refused.metadata["field"] == field


@pytest.mark.parametrize(
    ("first", "last", "periods"),
    [("2018-06-25", "2026-02-20", 400), ("0001-01-01", "0001-01-07", 1), ("9999-12-27", "9999-12-31", 1)],
)
async def test_as_many_weeks_as_may_be_can_be_asked_for(
    told: Summaries, me: Metadata, first: str, last: str, periods: int
) -> None:
    request = pb.ListSummariesRequest(period="week", from_date=first, to_date=last)
    assert (await told.ListSummaries(request, metadata=me)).total_size == periods


@pytest.mark.parametrize(
    ("first", "last"), [("2025-02-18", "2026-02-20"), ("2026-02-21", ""), ("2026-02-02", "2026-02-01")]
)
async def test_hours_of_too_many_days_are_refused(
    told: Summaries, me: Metadata, first: str, last: str
) -> None:
    request = pb.GetBestHoursRequest(from_date=first, to_date=last)
    refused = await refusal(told.GetBestHours(request, metadata=me))
    assert (refused.reason, refused.metadata["field"]) == ("FIELD_INVALID", "to_date")


@pytest.mark.parametrize("year", [-1, 10_000])
async def test_a_year_that_is_none_is_refused(told: Summaries, me: Metadata, year: int) -> None:
    refused = await refusal(told.GetHeatmap(pb.GetHeatmapRequest(year=year), metadata=me))
    assert refused.metadata["field"] == "year"
