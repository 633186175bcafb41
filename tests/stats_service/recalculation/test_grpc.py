"""Operators start recalculations, follow them, end them and read what they found."""

from __future__ import annotations

from typing import Any, TypeAlias
from uuid import uuid4

import grpc
import pytest
from practice.stats.v1 import recalculation_service_pb2 as pb
from practice.stats.v1 import recalculation_service_pb2_grpc as rpc
from sqlalchemy import Engine, text

from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.recalculation.shards import RecalculateShard
from stats_service.recalculation.shards_sql import SqlShardStore
from tests.grpc_errors import refusal
from tests.stats_service.conftest import Apply, Metadata, days
from tests.stats_service.facts import history

Operators: TypeAlias = "rpc.RecalculationAdminServiceAsyncStub"


@pytest.fixture
def jobs(channel: grpc.aio.Channel) -> Operators:
    return rpc.RecalculationAdminServiceStub(channel)


def run(engine: Engine, store: SqlLearnerStore, job: Any) -> None:
    """Does what the workers do."""
    run_shard = RecalculateShard(SqlShardStore(engine, compile_condition), store)
    with engine.connect() as connection:
        numbers = text("SELECT job_id, number FROM stats.recalculation_shard WHERE job_id::text = :job")
        shards = [tuple(row) for row in connection.execute(numbers, {"job": job.job_id})]
    for job_id, number in shards:
        run_shard(job_id, number)


async def test_a_shadow_is_started_followed_and_read_page_by_page(
    jobs: Operators, internal: Metadata, apply: Apply, engine: Engine, store: SqlLearnerStore
) -> None:
    for user in (1, 2, 3):
        apply(*history(user, days(1, 2, 3)))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM stats.daily_progress WHERE user_id < 3"))
        connection.execute(text("UPDATE stats.standing SET session_count = 7 WHERE user_id = 1"))

    request = pb.StartRecalculationRequest(shadow=True, all_users=True)
    job = await jobs.StartRecalculation(request, metadata=internal)
    assert (job.shadow, job.deep, job.shard_count, job.done_shard_count) == (True, True, 1, 0)
    assert job.expected_completion_count == 9
    assert not job.HasField("finish_time")
    run(engine, store, job)

    job = await jobs.GetRecalculation(pb.GetRecalculationRequest(), metadata=internal)
    assert job.HasField("finish_time")
    assert (job.done_shard_count, job.learner_count, job.completion_count, job.wrong_learner_count) == (
        1,
        3,
        9,
        2,
    )
    assert job.changed_row_count == 0
    daily, standing = job.table_differences
    assert (daily.table, daily.learner_count, daily.missing_row_count) == ("daily_progress", 2, 6)
    assert daily.excess["session_count"] == -6
    assert (standing.table, standing.learner_count, standing.changed_row_count) == ("standing", 1, 2)
    assert standing.excess["session_count"] == 8

    request = pb.ListRecalculationDifferencesRequest(job_id=job.job_id, page_size=1)
    page = await jobs.ListRecalculationDifferences(request, metadata=internal)
    (first,) = page.user_differences
    assert (first.user_id, first.row_count) == (1, 5)
    assert [row.table for row in first.rows] == ["daily_progress"] * 3 + ["standing"] * 2
    assert not first.rows[0].HasField("stored")
    assert first.rows[-1].stored["session_count"] == 7
    assert first.rows[-1].derived["session_count"] == 3
    request.page_token = page.next_page_token
    page = await jobs.ListRecalculationDifferences(request, metadata=internal)
    assert [each.user_id for each in page.user_differences] == [2]
    assert page.next_page_token == ""


async def test_a_recalculation_is_cancelled_and_resumed(
    jobs: Operators, internal: Metadata, apply: Apply, engine: Engine, store: SqlLearnerStore
) -> None:
    apply(*history(1, days(1, 2, 3)))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM stats.daily_progress"))
    started = await jobs.StartRecalculation(pb.StartRecalculationRequest(user_ids=[1, 1]), metadata=internal)
    # Who is named is compared by the rows.
    assert started.deep
    cancelling = pb.CancelRecalculationRequest(job_id=started.job_id)
    cancelled = await jobs.CancelRecalculation(cancelling, metadata=internal)
    assert cancelled.HasField("cancel_time")
    assert await jobs.CancelRecalculation(cancelling, metadata=internal) == cancelled
    run(engine, store, started)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM stats.daily_progress")).scalar_one() == 0

    resuming = pb.ResumeRecalculationRequest(job_id=started.job_id)
    resumed = await jobs.ResumeRecalculation(resuming, metadata=internal)
    assert not resumed.HasField("cancel_time")
    run(engine, store, started)
    done = await jobs.ResumeRecalculation(resuming, metadata=internal)
    assert done.HasField("finish_time")
    assert (done.wrong_learner_count, done.changed_row_count) == (1, 3)


async def test_what_cannot_be_asked_is_refused(jobs: Operators, internal: Metadata, apply: Apply) -> None:
    apply(*history(1, days(1)))
    for request in (
        pb.StartRecalculationRequest(first_user_id=5, last_user_id=4),
        pb.StartRecalculationRequest(from_date="2026-02-02", to_date="2026-02-01"),
        pb.StartRecalculationRequest(from_date="2026-02-30"),
        pb.StartRecalculationRequest(product="Chess"),
        pb.StartRecalculationRequest(product="all"),
        pb.StartRecalculationRequest(user_ids=[0]),
        pb.StartRecalculationRequest(),
        pb.StartRecalculationRequest(user_ids=[1], all_users=True),
    ):
        refused = await refusal(jobs.StartRecalculation(request, metadata=internal))
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    nobodys = str(uuid4())
    for call in (
        jobs.GetRecalculation(pb.GetRecalculationRequest(), metadata=internal),
        jobs.GetRecalculation(pb.GetRecalculationRequest(job_id=nobodys), metadata=internal),
        jobs.CancelRecalculation(pb.CancelRecalculationRequest(job_id=nobodys), metadata=internal),
        jobs.ResumeRecalculation(pb.ResumeRecalculationRequest(job_id=nobodys), metadata=internal),
        jobs.ListRecalculationDifferences(
            pb.ListRecalculationDifferencesRequest(job_id=nobodys), metadata=internal
        ),
    ):
        refused = await refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "RECALCULATION_NOT_FOUND")
    job = await jobs.StartRecalculation(pb.StartRecalculationRequest(all_users=True), metadata=internal)
    for token in ("nonsense", "WyJ4IiwxXQ"):
        request_of_page = pb.ListRecalculationDifferencesRequest(job_id=job.job_id, page_token=token)
        refused = await refusal(jobs.ListRecalculationDifferences(request_of_page, metadata=internal))
        assert refused.reason == "PAGE_TOKEN_INVALID"


async def test_only_the_platforms_own_may_ask(jobs: Operators) -> None:
    refused = await refusal(jobs.StartRecalculation(pb.StartRecalculationRequest()))
    assert refused.code in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
