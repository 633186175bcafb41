"""Operators have statistics compared with what happened."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
import pytest
import redis
from google.protobuf.duration_pb2 import Duration
from practice.stats.v1 import reconciliation_service_pb2 as pb
from practice.stats.v1 import reconciliation_service_pb2_grpc as rpc
from sqlalchemy import Engine

from service_kit.paging import encode_page_token
from stats_service.recalculation.tasks import UPKEEP_QUEUE
from stats_service.reconciliation.ports import Finding
from stats_service.reconciliation.store import SqlReconciliationStore
from stats_service.reconciliation.tasks import RECONCILE_TASK
from tests.grpc_errors import refusal
from tests.tokens import TestTokens

Metadata = tuple[tuple[str, str], ...]


@pytest.fixture
def reconciliations(channel: grpc.aio.Channel) -> rpc.ReconciliationAdminServiceAsyncStub:
    return rpc.ReconciliationAdminServiceStub(channel)


async def start(
    stub: rpc.ReconciliationAdminServiceAsyncStub, internal: Metadata, **fields: Any
) -> pb.Reconciliation:
    return await stub.StartReconciliation(pb.StartReconciliationRequest(**fields), metadata=internal)


async def test_a_run_is_started_once_and_the_worker_is_told(
    reconciliations: rpc.ReconciliationAdminServiceAsyncStub,
    internal: Metadata,
    redis_url: str,
    engine: Engine,
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.delete(UPKEEP_QUEUE)
        run = await start(reconciliations, internal, user_ids=[7, 5, 7], settle=Duration(seconds=3))
        assert RECONCILE_TASK.encode() in client.lrange(UPKEEP_QUEUE, 0, -1)[0]
        client.delete(UPKEEP_QUEUE)
    assert (run.scope, run.deep, run.learner_count) == (pb.RECONCILIATION_SCOPE_USERS, False, 2)
    assert not run.HasField("finish_time")
    again = await start(reconciliations, internal, user_ids=[5, 7], settle=Duration(seconds=3))
    assert again.run_id == run.run_id
    taken = SqlReconciliationStore(engine).next_run()
    assert taken is not None
    assert (taken.request.user_ids, taken.request.settle.total_seconds()) == ((5, 7), 3)
    recent = await start(reconciliations, internal)
    assert recent.scope == pb.RECONCILIATION_SCOPE_RECENT
    newest = await reconciliations.GetReconciliation(pb.GetReconciliationRequest(), metadata=internal)
    assert newest.run_id == recent.run_id


async def test_what_was_found_is_told_in_sum_and_by_person(
    reconciliations: rpc.ReconciliationAdminServiceAsyncStub, internal: Metadata, engine: Engine
) -> None:
    run = await start(reconciliations, internal, scope=pb.RECONCILIATION_SCOPE_ALL, deep=True)
    store = SqlReconciliationStore(engine)
    for user in (1, 2, 3):
        store.note(uuid.UUID(run.run_id), user, Finding((uuid.uuid4(),), 1, 2, 3, 4))
    store.finish(uuid.UUID(run.run_id))
    told = await reconciliations.GetReconciliation(
        pb.GetReconciliationRequest(run_id=run.run_id), metadata=internal
    )
    assert told.HasField("finish_time")
    assert (told.deep, told.different_count, told.whole_count) == (True, 3, 0)
    assert told.counts == pb.ReconciledCounts(
        republished_count=3, refused_count=3, corrected_count=6, orphan_count=9, progress_row_count=12
    )
    request = pb.ListReconciledLearnersRequest(run_id=run.run_id, page_size=2)
    first = await reconciliations.ListReconciledLearners(request, metadata=internal)
    request.page_token = first.next_page_token
    rest = await reconciliations.ListReconciledLearners(request, metadata=internal)
    assert [learner.user_id for learner in (*first.learners, *rest.learners)] == [1, 2, 3]
    assert rest.next_page_token == ""
    assert first.learners[0].counts.orphan_count == 3


async def test_reconciliation_is_for_operators_alone(
    reconciliations: rpc.ReconciliationAdminServiceAsyncStub, tokens: TestTokens
) -> None:
    run_id = str(uuid.uuid4())
    for metadata in ((), tokens.bearer(1)):
        for call in (
            reconciliations.StartReconciliation(pb.StartReconciliationRequest(), metadata=metadata),
            reconciliations.GetReconciliation(pb.GetReconciliationRequest(), metadata=metadata),
            reconciliations.ListReconciledLearners(
                pb.ListReconciledLearnersRequest(run_id=run_id), metadata=metadata
            ),
        ):
            assert (await refusal(call)).reason == "NOT_PERMITTED"


async def test_what_cannot_be_is_refused(
    reconciliations: rpc.ReconciliationAdminServiceAsyncStub, internal: Metadata
) -> None:
    run_id = str(uuid.uuid4())
    for reason, call in (
        (
            "RECONCILIATION_NOT_FOUND",
            reconciliations.GetReconciliation(pb.GetReconciliationRequest(run_id=run_id), metadata=internal),
        ),
        (
            "FIELD_INVALID",
            reconciliations.GetReconciliation(pb.GetReconciliationRequest(run_id="one"), metadata=internal),
        ),
        (
            "FIELD_INVALID",
            reconciliations.StartReconciliation(
                pb.StartReconciliationRequest(scope=pb.RECONCILIATION_SCOPE_ALL, user_ids=[1]),
                metadata=internal,
            ),
        ),
        (
            "FIELD_INVALID",
            reconciliations.StartReconciliation(
                pb.StartReconciliationRequest(scope=pb.RECONCILIATION_SCOPE_USERS), metadata=internal
            ),
        ),
        (
            "PAGE_TOKEN_INVALID",
            reconciliations.ListReconciledLearners(
                pb.ListReconciledLearnersRequest(
                    run_id=run_id, page_token=encode_page_token("ListReconciledLearners", [run_id], "x")
                ),
                metadata=internal,
            ),
        ),
    ):
        assert (await refusal(call)).reason == reason
