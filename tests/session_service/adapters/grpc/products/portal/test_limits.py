"""The limits: exact, shared by all instances, and no obstacle while Redis is away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from practice.products.portal.v1 import portal_service_pb2_grpc as rpc
from practice.session.v1 import practice_session_pb2 as session_pb
from practice.session.v1 import sync_service_pb2 as sync_pb
from practice.session.v1 import sync_service_pb2_grpc as sync_rpc

from deploy.local.servers import Server
from session_service.main import serving
from session_service.settings import SessionSettings
from tests.grpc_errors import Refusal, outcome, refusal
from tests.session_service.adapters.grpc.products.portal.clients import Client
from tests.session_service.clients import Learner, Metadata
from tests.session_service.offline.items import uuid7
from tests.waiting import PATIENCE_SECONDS

DEFAULTS = {
    "portal_starts_per_hour": 30,
    "portal_progress_updates_per_minute": 120,
    "portal_completions_per_hour": 30,
}


@pytest.fixture
def limits() -> dict[str, Any]:
    return DEFAULTS


async def counted(*calls: Any) -> Counter[str]:
    """Returns how many calls were let through and how many refused, by reason."""
    answers = await asyncio.gather(*(outcome(call) for call in calls))
    return Counter(answer.reason if isinstance(answer, Refusal) else "ok" for answer in answers)


@pytest.fixture
async def instances(session_settings: dict[str, Any], me: Metadata) -> AsyncIterator[list[Client]]:
    """The same learner at two instances of the service."""
    settings = SessionSettings(**session_settings)
    async with (
        serving(settings) as one,
        serving(settings) as two,
        grpc.aio.insecure_channel(f"127.0.0.1:{one.port}") as to_one,
        grpc.aio.insecure_channel(f"127.0.0.1:{two.port}") as to_two,
    ):
        yield [Client(rpc.PortalServiceStub(channel), me) for channel in (to_one, to_two)]


async def test_of_sixty_starts_at_once_thirty_begin_and_the_others_are_told_when_to_come_back(
    portal: Client, other: Client
) -> None:
    assert await counted(*(portal.call("StartSession", activity_id=5) for _ in range(60))) == {
        "ok": 30,
        "RATE_LIMITED": 30,
    }

    status, body = await portal.refused("StartSession", activity_id=5)
    assert status == 429
    assert body == {
        "error": "rate_limit_exceeded",
        "message": "Too many session starts",
        "retry_after": body["retry_after"],
    }
    assert 3500 < body["retry_after"] <= 3600
    told = await refusal(portal.call("StartSession", activity_id=5))
    assert told.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert told.trailing["retry-after"] == told.metadata["retry_after"]
    assert (told.metadata["limit"], told.metadata["remaining"]) == ("30", "0")
    assert int(told.metadata["reset"]) >= int(told.metadata["retry_after"])
    await other.start()


async def test_of_progress_updates_at_once_just_so_many_are_recorded_at_two_instances_together(
    instances: list[Client],
) -> None:
    session_id = await instances[0].start()
    for word in range(1, 10):
        for _ in range(10):
            await instances[word % 2].answer(session_id, f"m{word}")

    calls = [
        instances[number % 2].call("UpdateProgress", session_id=session_id, item_id="m1", answer="no")
        for number in range(60)
    ]

    assert await counted(*calls) == {"ok": 30, "RATE_LIMITED": 30}
    status, body = await instances[0].refused(
        "UpdateProgress", session_id=session_id, item_id="m1", answer="no"
    )
    assert (status, body["message"]) == (429, "Too many progress updates")
    assert 0 < body["retry_after"] <= 60
    performance = (await instances[0].details(session_id))["performance"]
    assert performance["incorrect_answers"] == 120


async def test_completions_are_limited_as_well(portal: Client, other: Client) -> None:
    assert await counted(*(complete_new(portal) for _ in range(30))) == {"ok": 30}

    status, body = await portal.refused("CompleteSession", session_id="1")

    assert (status, body["message"]) == (429, "Too many session completions")
    await other.complete(await other.start())


async def complete_new(portal: Client) -> Any:
    return await portal.call("CompleteSession", session_id=await portal.start(activity_id=5))


async def test_a_restarted_instance_goes_on_counting(session_settings: dict[str, Any], me: Metadata) -> None:
    settings = SessionSettings(**session_settings)
    for share in (20, 40):
        async with (
            serving(settings) as running,
            grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel,
        ):
            portal = Client(rpc.PortalServiceStub(channel), me)
            counts = await counted(*(portal.call("StartSession", activity_id=5) for _ in range(share)))
    assert counts == {"ok": 10, "RATE_LIMITED": 30}


async def test_a_refused_call_takes_nothing_from_the_limit(portal: Client) -> None:
    for _ in range(16):
        assert (await portal.refused("StartSession", activity_id=999))[0] == 404
        assert (await portal.refused("StartSession", activity_id=5, settings={"word_count": 0}))[0] == 400
        assert (await portal.refused("CompleteSession", session_id="999999999"))[0] == 404

    assert await counted(*(portal.call("StartSession", activity_id=5) for _ in range(31))) == {
        "ok": 30,
        "RATE_LIMITED": 1,
    }


async def test_a_repeat_with_its_key_is_answered_at_the_limit_and_takes_nothing(portal: Client) -> None:
    keyed = portal.with_metadata(idempotency_key="start")
    first = await keyed.ok("StartSession", activity_id=5)
    for _ in range(31):
        assert await keyed.ok("StartSession", activity_id=5) == first
    assert await counted(*(portal.call("StartSession", activity_id=5) for _ in range(30))) == {
        "ok": 29,
        "RATE_LIMITED": 1,
    }

    assert await keyed.ok("StartSession", activity_id=5) == first
    assert (await keyed.refused("StartSession", activity_id=123))[0] == 429


async def test_practice_goes_on_without_redis_and_limits_come_back_with_it(
    own_redis: Server, on_own_redis: Client
) -> None:
    portal = on_own_redis
    assert await counted(*(portal.call("StartSession", activity_id=5) for _ in range(31))) == {
        "ok": 30,
        "RATE_LIMITED": 1,
    }
    own_redis.kill()

    session_id = await portal.start()
    await portal.right(session_id, "m1")
    assert (await portal.details(session_id))["performance"]["words_practiced"] == 1
    await portal.complete(session_id)
    assert (await portal.history())["total"] == 1
    assert (await portal.history())["total"] == 1

    own_redis.restart()
    async with asyncio.timeout(PATIENCE_SECONDS):
        for number in range(1000):
            refused = await outcome(portal.call("StartSession", activity_id=5))
            if isinstance(refused, Refusal):
                break
            assert number < 999
            await asyncio.sleep(0.05)
    assert refused.reason == "RATE_LIMITED"
    assert (await portal.history())["total"] == 1


async def test_the_limits_are_the_same_through_the_canonical_api(
    portal: Client, learner: Learner, other: Client
) -> None:
    sessions = [await portal.start(activity_id=5) for _ in range(15)]
    sessions += [
        (await learner.start("portal", content="activities/5")).name.removeprefix("sessions/")
        for _ in range(15)
    ]
    told = await refusal(learner.start("portal", content="activities/5"))
    assert (told.reason, told.metadata["limit"]) == ("RATE_LIMITED", "30")
    assert (await portal.refused("StartSession", activity_id=5))[0] == 429
    # Other products know nothing of it.
    assert (await learner.start("exercises")).name

    for session_id in sessions[:29]:
        await learner.call("CompleteSession", name=f"sessions/{session_id}")
    await portal.complete(sessions[29])
    assert (
        await refusal(learner.call("CompleteSession", name=f"sessions/{sessions[29]}"))
    ).reason == "RATE_LIMITED"
    assert await other.start()


async def test_each_answer_of_a_batch_counts(portal: Client, learner: Learner) -> None:
    name = f"sessions/{await portal.start()}"
    answers = [session_pb.Answer(item="words/m1", text="no") for _ in range(100)]
    await learner.call("SubmitAnswers", name=name, answers=answers)
    assert (await refusal(learner.call("SubmitAnswers", name=name, answers=answers))).reason == "RATE_LIMITED"
    for _ in range(20):
        await portal.answer(name.removeprefix("sessions/"), "m1")
    assert (await portal.refused("UpdateProgress", session_id=name[9:], item_id="m1", answer="no"))[0] == 429


async def test_a_device_hands_in_at_once_what_a_day_allows_and_no_more(
    channel: grpc.aio.Channel, me: Metadata
) -> None:
    sync: Any = sync_rpc.SyncServiceStub(channel)
    ended = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    told: dict[str, Any] = {
        "product": "portal",
        "content": "activities/5",
        "time_zone": "Asia/Tokyo",
        "outcome": "completed",
        "start_time": (ended - timedelta(minutes=10)).isoformat(),
        "end_time": ended.isoformat(),
    }
    items = [
        sync_pb.SyncItem(session=sync_pb.OfflineSession(client_id=uuid7(ended), **told))
        for _ in range(30 * 24)
    ]
    answered = await sync.SyncSessions(sync_pb.SyncSessionsRequest(items=items), metadata=me)
    assert {each.outcome for each in answered.results} == {sync_pb.SyncResult.OUTCOME_MERGED}
    one_more = sync_pb.SyncItem(session=sync_pb.OfflineSession(client_id=uuid7(ended), **told))
    refused = await refusal(sync.SyncSessions(sync_pb.SyncSessionsRequest(items=[one_more]), metadata=me))
    assert refused.reason == "RATE_LIMITED"
