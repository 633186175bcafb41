"""Sync on the wire: a thousand items, good and bad, each with its own result."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from practice.session.v1 import sync_service_pb2 as pb
from practice.session.v1 import sync_service_pb2_grpc as rpc

from session_service.main import serving
from session_service.settings import SessionSettings
from tests.grpc_errors import refusal
from tests.session_service.clients import Learner, Metadata
from tests.session_service.offline.items import uuid7

Code = grpc.StatusCode
Result = pb.SyncResult
MERGED, KNOWN, REFUSED, CONFLICT = (
    Result.OUTCOME_MERGED,
    Result.OUTCOME_ALREADY_KNOWN,
    Result.OUTCOME_REFUSED,
    Result.OUTCOME_CONFLICT,
)


@pytest.fixture
def sync(channel: grpc.aio.Channel) -> rpc.SyncServiceAsyncStub:
    return rpc.SyncServiceStub(channel)


@pytest.fixture
def ended() -> datetime:
    """An instant of yesterday."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


def answer(ended: datetime, text: str = "hable", **changes: Any) -> pb.OfflineAnswer:
    """An answer to exercise 123."""
    told = {"answer_id": uuid7(ended), "item": "exercises/123", "answer_time": ended.isoformat()}
    return pb.OfflineAnswer(**{**told, "text": text, **changes})


def session(ended: datetime, **changes: Any) -> pb.SyncItem:
    """A session of ten minutes with one right and one wrong answer."""
    told = {
        "client_id": uuid7(ended),
        "product": "exercises",
        "start_time": (ended - timedelta(minutes=10)).isoformat(),
        "end_time": ended.isoformat(),
        "time_zone": "Asia/Tokyo",
        "outcome": "completed",
        "answers": [answer(ended), answer(ended, "no")],
    }
    return pb.SyncItem(session=pb.OfflineSession(**{**told, **changes}))


def reason(result: pb.SyncResult) -> str:
    info = ErrorInfo()
    if result.HasField("error"):
        assert result.error.details[0].Unpack(info)
    return info.reason


async def test_a_thousand_sessions_are_merged_by_one_call_and_known_to_the_next(
    sync: rpc.SyncServiceAsyncStub, learner: Learner, me: Metadata, ended: datetime
) -> None:
    request = pb.SyncSessionsRequest(
        items=[session(ended + timedelta(seconds=number)) for number in range(1_000)]
    )
    first = await sync.SyncSessions(request, metadata=me)
    again = await sync.SyncSessions(request, metadata=me)

    assert Counter(result.outcome for result in first.results) == {MERGED: 1_000}
    assert Counter(result.outcome for result in again.results) == {KNOWN: 1_000}
    assert [r.session for r in first.results] == [r.session for r in again.results]
    assert [r.client_id for r in first.results] == [item.session.client_id for item in request.items]
    assert (first.user_seq, again.user_seq, first.statistics_pending) == (1_000, 1_000, False)
    shown = await learner.call("GetSession", name=first.results[7].session)
    assert (shown.answer_count, shown.correct_answer_count, shown.time_zone) == (2, 1, "Asia/Tokyo")
    assert shown.end_time.ToDatetime(UTC) == ended + timedelta(seconds=7)
    listed = await learner.call("ListSessions", page_size=3)
    assert [each.name for each in listed.sessions] == [r.session for r in first.results[:-4:-1]]


async def test_of_a_thousand_items_every_bad_one_is_told_and_every_good_one_merged(
    sync: rpc.SyncServiceAsyncStub, learner: Learner, me: Metadata, ended: datetime
) -> None:
    live = await learner.start()
    far = (datetime.now(UTC) + timedelta(hours=1, minutes=1)).isoformat()
    bad = {
        "FIELD_INVALID": [
            pb.SyncItem(),
            pb.SyncItem(session=session(ended).session, answer=answer(ended, session=live.name)),
            session(ended, client_id="7"),
            session(ended, client_id="\0"),
            session(ended, start_time="yesterday"),
            session(ended, start_time="2026-02-18"),
            session(ended, start_time="2026-02-18T08:00:00"),
            session(ended, end_time="2026-W08-3T08:00:00Z"),
            session(ended, end_time="0001-01-01T00:00:00+14:00"),
            session(ended, end_time=(ended - timedelta(hours=1)).isoformat()),
            session(ended, elapsed_seconds=1.5),
            session(ended, elapsed_seconds=float("nan")),
            session(ended, elapsed_seconds=1e300),
            session(ended, elapsed_seconds=-1),
            session(ended, outcome="active"),
            session(ended, note="\0"),
            pb.SyncItem(answer=answer(ended, session="sessions/x")),
            pb.SyncItem(answer=answer(ended, session=live.name, text="\0")),
            pb.SyncItem(answer=answer(ended, session=live.name, time_taken_seconds=float("inf"))),
        ],
        "PRODUCT_UNKNOWN": [session(ended, product="chess\0")],
        "MODE_UNKNOWN": [session(ended, mode="speed")],
        "TIME_ZONE_UNKNOWN": [session(ended, time_zone=""), session(ended, time_zone="Mars/Olympus")],
        "TIME_OUT_OF_RANGE": [
            session(ended, end_time=far),
            session(ended, start_time="2020-01-01T00:00:00Z"),
            session(ended, client_id=uuid7(datetime.now(UTC) + timedelta(hours=2))),
        ],
        "CONTENT_NOT_FOUND": [
            session(ended, product="yoga", content="sequences/" + "9" * 100_000),
            session(ended, product="yoga", content="sequences/\0"),
        ],
        "SESSION_NOT_FOUND": [pb.SyncItem(answer=answer(ended, session="sessions/999999999999999999"))],
        "ITEM_NOT_FOUND": [pb.SyncItem(answer=answer(ended, session=live.name, item="exercises/\0"))],
    }
    expected = [why for why, items in bad.items() for _ in items]
    spoilt = [item for items in bad.values() for item in items]
    good = [session(ended) for _ in range(900)]
    good += [pb.SyncItem(answer=answer(ended, session=live.name)) for _ in range(100)]
    items = [*good[:500], *spoilt, *good[500:]]

    answered = await sync.SyncSessions(pb.SyncSessionsRequest(items=items), metadata=me)
    told = answered.results[500 : 500 + len(spoilt)]
    assert [reason(result) for result in told] == expected
    assert {result.outcome for result in told} == {REFUSED}
    assert Counter(result.outcome for result in answered.results) == {MERGED: 1_000, REFUSED: len(spoilt)}
    assert (await learner.call("GetSession", name=live.name)).answer_count == 100


async def test_bad_answers_are_told_with_their_session_each_time(
    sync: rpc.SyncServiceAsyncStub, me: Metadata, ended: datetime
) -> None:
    good = answer(ended)
    bad = {
        "FIELD_INVALID": [
            answer(ended, answer_id="\0" * 100),
            answer(ended, answer_time=""),
            answer(ended, session="sessions/1"),
            answer(ended, time_taken_seconds=float("nan")),
            answer(ended, text="\0"),
        ],
        "ITEM_NOT_FOUND": [answer(ended, item="exercises/404"), answer(ended, item="words/\0")],
        "ANSWER_ID_REUSED": [answer(ended, "other", answer_id=good.answer_id)],
    }
    answers = [good, *(each for some in bad.values() for each in some)]
    request = pb.SyncSessionsRequest(items=[session(ended, answers=answers)])
    for outcome in (MERGED, KNOWN):
        (result,) = (await sync.SyncSessions(request, metadata=me)).results
        assert result.outcome == outcome
        assert Counter(each.reason for each in result.refused_answers) == {
            why: len(some) for why, some in bad.items()
        }


async def test_an_id_with_another_body_is_a_conflict(
    sync: rpc.SyncServiceAsyncStub, me: Metadata, somebody: Metadata, ended: datetime
) -> None:
    item = session(ended)
    await sync.SyncSessions(pb.SyncSessionsRequest(items=[item]), metadata=me)
    item.session.outcome = "abandoned"
    request = pb.SyncSessionsRequest(items=[item])
    (result,) = (await sync.SyncSessions(request, metadata=me)).results
    assert (result.outcome, reason(result), result.session) == (CONFLICT, "CLIENT_ID_REUSED", "")
    (theirs,) = (await sync.SyncSessions(request, metadata=somebody)).results
    assert theirs.outcome == MERGED


async def test_a_zone_of_an_item_is_not_the_accounts(
    sync: rpc.SyncServiceAsyncStub, learner: Learner, me: Metadata, ended: datetime
) -> None:
    await sync.SyncSessions(pb.SyncSessionsRequest(items=[session(ended)]), metadata=me)
    assert (await learner.start()).time_zone == "UTC"


async def test_a_call_with_too_much_is_refused_as_a_whole(
    sync: rpc.SyncServiceAsyncStub, me: Metadata, ended: datetime
) -> None:
    one = answer(ended)
    for request in (
        pb.SyncSessionsRequest(),
        pb.SyncSessionsRequest(items=[session(ended)] * 2_001),
        pb.SyncSessionsRequest(items=[session(ended, answers=[one] * 1_001)] * 20),
    ):
        refused = await refusal(sync.SyncSessions(request, metadata=me))
        assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "FIELD_INVALID")


async def test_a_repeat_under_the_same_key_gets_the_first_results(
    sync: rpc.SyncServiceAsyncStub, me: Metadata, ended: datetime
) -> None:
    request = pb.SyncSessionsRequest(items=[session(ended), pb.SyncItem()], request_id="a key")
    first = await sync.SyncSessions(request, metadata=me)
    assert [result.outcome for result in first.results] == [MERGED, REFUSED]
    assert await sync.SyncSessions(request, metadata=me) == first
    del request.items[1]
    refused = await refusal(sync.SyncSessions(request, metadata=me))
    assert refused.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_more_items_than_the_catalog_is_asked_for_at_once_are_looked_up(
    sync: rpc.SyncServiceAsyncStub, me: Metadata, ended: datetime
) -> None:
    items = [
        session(ended, answers=[answer(ended, item=f"exercises/{first + number}") for number in range(900)])
        for first in (123, 1_000_000, 2_000_000)
    ]
    answered = await sync.SyncSessions(pb.SyncSessionsRequest(items=items), metadata=me)
    assert [len(result.refused_answers) for result in answered.results] == [898, 900, 900]


async def test_how_far_back_is_a_setting(
    session_settings: dict[str, Any], me: Metadata, ended: datetime
) -> None:
    items = [session(ended), session(ended + timedelta(hours=1))]
    settings = SessionSettings(**session_settings, sync_max_age_days=1)
    async with serving(settings) as server, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        request = pb.SyncSessionsRequest(items=items)
        answered = await rpc.SyncServiceStub(channel).SyncSessions(request, metadata=me)
    assert [reason(result) for result in answered.results] == ["TIME_OUT_OF_RANGE", ""]


async def test_while_a_large_batch_is_merged_others_are_served(
    sync: rpc.SyncServiceAsyncStub, stranger: Learner, me: Metadata, ended: datetime
) -> None:
    items = [session(ended, answers=[answer(ended) for _ in range(12)]) for _ in range(1_000)]
    merging = sync.SyncSessions(pb.SyncSessionsRequest(items=items), metadata=me)
    served = 0
    while not merging.done():
        await stranger.call("ListSessions", page_size=1)
        served += 1
    assert Counter(result.outcome for result in (await merging).results) == {MERGED: 1_000}
    assert served > 5
