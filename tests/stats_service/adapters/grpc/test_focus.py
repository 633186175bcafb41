"""What completed focus sessions add up to, as the focus app reads it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TypeAlias

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from practice.products.focus.v1 import focus_service_pb2 as pb
from practice.products.focus.v1 import focus_service_pb2_grpc as rpc

from service_kit.errors import ConflictError, NotFoundError, ServiceError, UnavailableError
from stats_service.adapters.grpc.products.focus.errors import present
from tests.grpc_errors import refusal
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion, history
from tests.tokens import TestTokens

Focus: TypeAlias = "rpc.FocusProgressServiceAsyncStub"
Metadata = tuple[tuple[str, str], ...]
DAYS = [date(2026, 2, day) for day in (15, 18, 19)]


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tuple(tokens.bearer(1))


def shown(answer: Message) -> dict[str, object]:
    """The answer as the gateway prints it."""
    return dict(
        MessageToDict(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    )


async def test_progress_counts_completed_focus_sessions_by_day(
    focus: Focus, me: Metadata, apply: Apply
) -> None:
    apply(
        *history(1, DAYS),
        completion(local_date=DAYS[0], elapsed_seconds=400, outcome="abandoned", counts=False),
        completion(local_date=DAYS[0], product="exercises"),
    )
    answer = await focus.ListProgress(pb.ListProgressRequest(to="2026-02-18"), metadata=me)
    assert shown(answer) == {
        "success": True,
        "message": "focus progress",
        "data": [
            {"date": "2026-02-15", "focus_seconds": 1500.0, "sessions_completed": 1},
            {"date": "2026-02-18", "focus_seconds": 1500.0, "sessions_completed": 1},
        ],
    }


async def test_the_streak_of_somebody_new_has_a_null_date(focus: Focus, me: Metadata) -> None:
    answer = await focus.GetStreak(pb.GetStreakRequest(), metadata=me)
    assert shown(answer)["data"] == {"current_streak": 0, "longest_streak": 0, "last_session_date": None}


async def test_the_streak_counts_focus_alone(focus: Focus, me: Metadata, apply: Apply) -> None:
    apply(*history(1, DAYS), completion(local_date=date(2026, 2, 17), product="exercises"))
    answer = await focus.GetStreak(pb.GetStreakRequest(), metadata=me)
    assert shown(answer)["data"] == {
        "current_streak": 2,
        "longest_streak": 2,
        "last_session_date": "2026-02-19",
    }


async def test_badges_show_when_they_were_earned(
    focus: Focus, me: Metadata, apply: Apply, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("focus-first", 1), badge("any", 1, product="all"))
    apply(completion(end_time=datetime(2026, 2, 18, 8, 25, tzinfo=UTC)))
    answer = await focus.ListBadges(pb.ListBadgesRequest(), metadata=me)
    assert shown(answer) == {
        "success": True,
        "message": "focus badges",
        "data": [
            {
                "id": "focus-first",
                "name": "Focus-First",
                "description": "Reach 1 sessions.",
                "icon": "🌱",
                "awarded_at": "2026-02-18T08:25:00Z",
            }
        ],
    }


async def test_refusals_wear_the_envelope(focus: Focus, me: Metadata) -> None:
    refused = await refusal(focus.ListProgress(pb.ListProgressRequest(to="tomorrow"), metadata=me))
    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.trailing["x-practice-status"] == "400"
    assert json.loads(refused.trailing["x-practice-body"]) == {
        "success": False,
        "message": "to: must be a day such as 2026-05-15",
        "data": None,
    }
    anonymous = await refusal(focus.GetStreak(pb.GetStreakRequest()))
    assert anonymous.trailing["x-practice-status"] == "401"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError("x", reason="SESSION_NOT_FOUND"), 404),
        (ConflictError("x", reason="SESSION_ALREADY_OPEN"), 409),
        (ConflictError("x", reason="IDEMPOTENCY_KEY_REUSED"), 422),
        (UnavailableError("x"), 503),
        (ServiceError("x"), 500),
    ],
)
def test_every_category_has_the_documents_status(error: ServiceError, status: int) -> None:
    assert present(error).status == status
