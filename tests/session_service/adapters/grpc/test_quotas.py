"""What one account gets of everything that it could make without end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from practice.products.exercises.v1 import exercises_service_pb2 as exercises_pb
from practice.products.exercises.v1 import exercises_service_pb2_grpc as exercises_rpc
from practice.session.v1 import sync_service_pb2 as sync_pb
from practice.session.v1 import sync_service_pb2_grpc as sync_rpc
from practice.session.v1.practice_session_pb2 import Message

from tests.grpc_errors import outcome, refusal
from tests.session_service.adapters.grpc.products.shown import refused
from tests.session_service.clients import Learner, Metadata
from tests.session_service.offline.items import uuid7


@pytest.fixture
def session_settings(session_settings: dict[str, Any]) -> dict[str, Any]:
    """Small quotas."""
    return {
        **session_settings,
        "quota_sessions_per_day": 4,
        "quota_synced_sessions_per_day": 3,
        "quota_open_sessions": 2,
        "quota_conversation_mib": 1,
    }


async def test_an_account_starts_so_many_sessions_a_day_in_whatever_way(
    learner: Learner, stranger: Learner, exercises: exercises_rpc.ExercisesServiceAsyncStub, me: Metadata
) -> None:
    for product in ("exercises", "focus", "exercises", "focus"):
        await learner.call("CompleteSession", name=(await learner.start(product)).name)
    told = await refusal(learner.start())
    assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")
    assert (told.metadata["quota"], told.metadata["limit"]) == ("sessions", "4")
    assert 86_000 < int(told.metadata["retry_after"]) <= 86_400
    assert told.trailing["retry-after"] == told.metadata["retry_after"]
    assert told.trailing["ratelimit-policy"] == '"sessions";q=4;w=86400'
    # An answer by itself is a session too.
    alone = exercises_pb.SubmitAnswerRequest(user_answer="hable", time_taken=8)
    alone.exercise_id.string_value = "123"
    assert (await refused(exercises.SubmitAnswer(alone, metadata=me)))[0] == 429
    assert (await stranger.start()).name


async def test_an_account_has_so_many_open_sessions_until_it_ends_some(learner: Learner) -> None:
    first = await learner.start()
    await learner.start()
    told = await refusal(learner.start())
    assert (told.reason, told.metadata) == ("QUOTA_EXCEEDED", {"quota": "open_sessions", "limit": "2"})
    await learner.call("AbandonSession", name=first.name)
    # What was refused has cost nothing.
    assert (await learner.start()).name


async def test_an_account_says_so_much_in_all_its_conversations(learner: Learner) -> None:
    one, two = (await learner.start()).name, (await learner.start()).name
    line = "x" * 8_000
    said = 0
    while isinstance(await outcome(learner.call("AddMessage", name=one, role="user", content=line)), Message):
        said += 1
        one, two = two, one
        assert said < 140
    assert said > 120
    for name in (one, two):
        told = await refusal(learner.call("AddMessage", name=name, role="user", content="x"))
        assert (told.reason, told.metadata["quota"]) == ("QUOTA_EXCEEDED", "conversation_bytes")


async def test_an_account_syncs_so_many_sessions_a_day_and_a_repeat_is_none_of_them(
    channel: grpc.aio.Channel, me: Metadata
) -> None:
    sync: Any = sync_rpc.SyncServiceStub(channel)
    ended = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)

    def batch(count: int) -> sync_pb.SyncSessionsRequest:
        return sync_pb.SyncSessionsRequest(
            items=[
                sync_pb.SyncItem(
                    session=sync_pb.OfflineSession(
                        client_id=uuid7(ended),
                        product="exercises",
                        start_time=(ended - timedelta(minutes=10)).isoformat(),
                        end_time=ended.isoformat(),
                        time_zone="Asia/Tokyo",
                        outcome="completed",
                    )
                )
                for _ in range(count)
            ]
        )

    first, more = batch(2), batch(2)
    assert len((await sync.SyncSessions(first, metadata=me)).results) == 2
    told = await refusal(sync.SyncSessions(more, metadata=me))
    assert (told.reason, told.metadata["quota"]) == ("QUOTA_EXCEEDED", "synced_sessions")
    for _ in range(5):
        known = (await sync.SyncSessions(first, metadata=me)).results
        assert {each.outcome for each in known} == {sync_pb.SyncResult.OUTCOME_ALREADY_KNOWN}
    assert len((await sync.SyncSessions(batch(1), metadata=me)).results) == 1
