"""Consumers of events compare what they have with what happened, and are told again what they lack."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from practice.events.v1.session_ended_pb2 import SessionEnded
from practice.session.v1 import reconciliation_service_pb2 as pb
from practice.session.v1 import reconciliation_service_pb2_grpc as rpc
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.erasure import Tombstones
from session_service.adapters.db import tables
from tests.grpc_errors import refusal
from tests.session_service.clients import Learner, Metadata
from tests.tokens import TestTokens

outbox = tables.outbox


@pytest.fixture
def events(channel: grpc.aio.Channel) -> rpc.ReconciliationAdminServiceAsyncStub:
    return rpc.ReconciliationAdminServiceStub(channel)


@pytest.fixture
async def published(learner: Learner, engine: AsyncEngine, user_id: int) -> list[bytes]:
    """Three events of the learner's, by place, that have arrived."""
    for _ in range(3):
        await learner.call("CompleteSession", name=(await learner.start("yoga")).name)
    async with engine.begin() as connection:
        await connection.execute(
            update(outbox).where(outbox.c.user_id == user_id).values(acked_at=outbox.c.created_at)
        )
        mine = select(outbox.c.payload).where(outbox.c.user_id == user_id).order_by(outbox.c.user_seq)
        return list((await connection.execute(mine)).scalars())


async def test_a_digest_is_of_the_events_that_are_listed(
    events: rpc.ReconciliationAdminServiceAsyncStub, internal: Metadata, published: list[bytes], user_id: int
) -> None:
    for request in (
        pb.ListEventDigestsRequest(user_ids=[user_id]),
        pb.ListEventDigestsRequest(after_user_id=user_id - 1, limit=1),
        pb.ListEventDigestsRequest(after_user_id=user_id - 1, limit=1, since=Duration(seconds=60)),
    ):
        (digest,) = (await events.ListEventDigests(request, metadata=internal)).digests
        assert (digest.user_id, digest.last_seq, digest.settled_through, digest.count) == (user_id, 3, 3, 3)
    pages = [
        await events.ListUserEvents(
            pb.ListUserEventsRequest(user_id=user_id, after_user_seq=after, limit=2), metadata=internal
        )
        for after in (0, 2, 3)
    ]
    listed = [event for page in pages for event in page.events]
    assert [len(page.events) for page in pages] == [2, 1, 0]
    assert not any(page.erased for page in pages)
    assert [event.event_id for event in listed] == [
        SessionEnded.FromString(each).event_id for each in published
    ]
    assert digest.digest == listed[0].digest ^ listed[1].digest ^ listed[2].digest

    young = pb.ListEventDigestsRequest(user_ids=[user_id], settle=Duration(seconds=60))
    (digest,) = (await events.ListEventDigests(young, metadata=internal)).digests
    assert (digest.last_seq, digest.settled_through, digest.count) == (3, 0, 0)


async def test_events_are_told_again_with_the_same_bytes(
    events: rpc.ReconciliationAdminServiceAsyncStub,
    internal: Metadata,
    engine: AsyncEngine,
    published: list[bytes],
    user_id: int,
) -> None:
    async with engine.begin() as connection:
        await connection.execute(delete(outbox).where(outbox.c.user_id == user_id))
    wanted = pb.GetUserEventsRequest(user_id=user_id, user_seqs=[3, 1, 9])
    told = (await events.GetUserEvents(wanted, metadata=internal)).events
    assert [event.payload for event in told] == [published[0], published[2]]
    assert {event.kind for event in told} == {"session_ended"}

    request = pb.RepublishEventsRequest(user_id=user_id, user_seqs=[3, 1, 9])
    answers = [await events.RepublishEvents(request, metadata=internal) for _ in range(2)]
    assert [answer.republished_count for answer in answers] == [2, 0]
    mine = select(outbox.c.payload).where(outbox.c.user_id == user_id).order_by(outbox.c.user_seq)
    async with engine.begin() as connection:
        assert list((await connection.execute(mine)).scalars()) == [published[0], published[2]]


async def test_of_the_erased_nothing_is_told(
    events: rpc.ReconciliationAdminServiceAsyncStub,
    internal: Metadata,
    engine: AsyncEngine,
    new_user: Callable[[], int],
) -> None:
    gone = new_user()
    async with engine.begin() as connection:
        await Tombstones(connection, tables.erased_user).place(gone, "request")
    assert (await events.ListUserEvents(pb.ListUserEventsRequest(user_id=gone), metadata=internal)).erased
    request = pb.ListEventDigestsRequest(user_ids=[gone])
    assert not (await events.ListEventDigests(request, metadata=internal)).digests


async def test_comparing_is_for_the_platforms_own_services(
    events: rpc.ReconciliationAdminServiceAsyncStub,
    tokens: TestTokens,
    internal: Metadata,
    user_id: int,
) -> None:
    wrong = ((internal[0][0], internal[0][1][:-1]),)
    for metadata in ((), tokens.bearer(user_id), wrong):
        for call in (
            events.ListEventDigests(pb.ListEventDigestsRequest(), metadata=metadata),
            events.ListUserEvents(pb.ListUserEventsRequest(user_id=1), metadata=metadata),
            events.GetUserEvents(pb.GetUserEventsRequest(user_id=1, user_seqs=[1]), metadata=metadata),
            events.RepublishEvents(pb.RepublishEventsRequest(user_id=1, user_seqs=[1]), metadata=metadata),
        ):
            assert (await refusal(call)).reason == "NOT_PERMITTED"


async def test_a_request_outside_the_bounds_is_refused(
    events: rpc.ReconciliationAdminServiceAsyncStub, internal: Metadata
) -> None:
    for call in (
        events.ListEventDigests(pb.ListEventDigestsRequest(limit=5001), metadata=internal),
        events.ListEventDigests(pb.ListEventDigestsRequest(user_ids=[0]), metadata=internal),
        events.ListEventDigests(
            pb.ListEventDigestsRequest(since=Duration(seconds=8 * 86400)), metadata=internal
        ),
        events.ListUserEvents(pb.ListUserEventsRequest(user_id=1, limit=-1), metadata=internal),
        events.RepublishEvents(pb.RepublishEventsRequest(user_id=1), metadata=internal),
        events.RepublishEvents(
            pb.RepublishEventsRequest(user_id=1, user_seqs=range(1, 1002)), metadata=internal
        ),
    ):
        assert (await refusal(call)).reason == "FIELD_INVALID"
