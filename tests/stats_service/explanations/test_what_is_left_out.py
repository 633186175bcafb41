"""What explanations tell of what is in no streak or total. It is noon of 20 February 2026, in UTC."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from practice.stats.v1 import explanation_pb2
from practice.stats.v1 import explanation_service_pb2 as pb

from tests.grpc_errors import refusal
from tests.stats_service.conftest import NOW, Apply, ExplanationOperators, Explanations, Metadata
from tests.stats_service.facts import completion
from tests.tokens import TestTokens


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tuple(tokens.bearer(1))


async def test_of_nobody_there_is_nothing_to_explain(
    admin_explanations: ExplanationOperators,
    explanations: Explanations,
    internal: Metadata,
    me: Metadata,
    apply: Apply,
) -> None:
    apply(completion(user_id=2))
    questions = [
        admin_explanations.ExplainUserStreak(pb.ExplainUserStreakRequest(user_id=404), metadata=internal),
        admin_explanations.ExplainUserBreak(
            pb.ExplainUserBreakRequest(user_id=404, question={"date": "2026-02-19"}), metadata=internal
        ),
        admin_explanations.ExplainUserBadge(
            pb.ExplainUserBadgeRequest(user_id=404, question={"badge_id": "x"}), metadata=internal
        ),
        admin_explanations.ExplainUserTotal(pb.ExplainUserTotalRequest(user_id=404), metadata=internal),
    ]
    for question in questions:
        refused = await refusal(question)
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")
    known = pb.ExplainUserTotalRequest(user_id=2)
    assert (await admin_explanations.ExplainUserTotal(known, metadata=internal)).totals.session_count == 1
    # Whoever asks about themselves has an account.
    assert (await explanations.ExplainTotal(pb.ExplainTotalRequest(), metadata=me)).totals.session_count == 0


async def test_a_total_is_explained_with_the_sessions_and_the_time_that_are_not_in_it(
    explanations: Explanations, me: Metadata, apply: Apply
) -> None:
    end = NOW - timedelta(hours=3)
    apply(
        completion(user_seq=1, end_time=end, elapsed_seconds=2_000_000_000, implausible=True, synced=True),
        completion(user_seq=2, end_time=end + timedelta(minutes=1), elapsed_seconds=86_000, product="yoga"),
        completion(user_seq=3, end_time=end, product="exercises", counts=False),
    )
    told = await explanations.ExplainTotal(pb.ExplainTotalRequest(), metadata=me)
    assert (told.totals.session_count, told.totals.elapsed_seconds) == (2, 86_400)
    (left_out,) = told.left_out
    assert left_out.reason == explanation_pb2.LEFT_OUT_UNANSWERED
    assert "1 completed without an answer" in told.paragraph
    assert "that 2 sessions told beyond the time that passed" in told.paragraph
    by_product = [
        await explanations.ExplainTotal(pb.ExplainTotalRequest(product=product), metadata=me)
        for product in ("focus", "yoga")
    ]
    assert sum(each.totals.elapsed_seconds for each in by_product) == 86_400
    assert [day.elapsed_seconds for each in by_product for day in each.days] == [
        each.totals.elapsed_seconds for each in by_product
    ]
    streak = await explanations.ExplainStreak(pb.ExplainStreakRequest(product="focus"), metadata=me)
    (session,) = streak.days[0].sessions
    assert (session.elapsed_seconds, session.implausible, session.synced) == (2_000_000_000, True, True)
