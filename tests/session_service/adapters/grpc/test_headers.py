"""What callers say in metadata: idempotency keys and time zones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest
from practice.session.v1 import practice_session_pb2 as session_pb
from practice.session.v1 import session_service_pb2_grpc as rpc
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from session_service import main
from session_service.adapters.db import tables
from session_service.main import serving
from session_service.settings import SessionSettings
from tests.grpc_errors import refusal
from tests.session_service.clients import Learner, Metadata, elapsed
from tests.tokens import TestTokens

Code = grpc.StatusCode
ANSWER = session_pb.Answer(item="exercises/123", text="hable")

MUTATIONS: list[tuple[str, dict[str, Any]]] = [
    ("StartSession", {"product": "exercises"}),
    ("SubmitAnswers", {"answers": [ANSWER]}),
    ("RecordStandaloneAnswer", {"product": "exercises", "answer": ANSWER}),
    ("SaveDraft", {"content": '{"a":1}'}),
    ("AddMessage", {"role": "user", "content": "hello"}),
    ("PauseSession", {}),
    ("ResumeSession", {}),
    ("CompleteSession", {}),
    ("AbandonSession", {}),
]


async def _fields(learner: Learner, method: str, fields: dict[str, Any]) -> dict[str, Any]:
    if method in ("StartSession", "RecordStandaloneAnswer"):
        return fields
    return {"name": (await learner.start()).name, **fields}


@pytest.mark.parametrize(("method", "fields"), MUTATIONS, ids=[method for method, _ in MUTATIONS])
async def test_a_repeat_with_the_same_key_gets_the_first_answer_and_changes_nothing(
    learner: Learner, method: str, fields: dict[str, Any]
) -> None:
    fields = await _fields(learner, method, fields)

    first = await learner.call(method, **fields, request_id="once")
    before = await learner.call("ListSessions")
    by_field = await learner.call(method, **fields, request_id="once")
    by_header = await learner.with_metadata(idempotency_key="once").call(method, **fields)

    assert by_field == first
    assert by_header == first
    assert await learner.call("ListSessions") == before


@pytest.mark.parametrize(("method", "fields"), MUTATIONS, ids=[method for method, _ in MUTATIONS])
async def test_the_key_with_another_request_is_refused(
    learner: Learner, method: str, fields: dict[str, Any]
) -> None:
    await learner.call("StartSession", product="yoga", request_id="once")
    fields = await _fields(learner, method, fields)
    before = await learner.call("ListSessions")

    refused = await refusal(learner.with_metadata(idempotency_key="once").call(method, **fields))

    assert (refused.code, refused.reason) == (Code.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")
    assert refused.metadata == {"key": "once"}
    assert await learner.call("ListSessions") == before


async def test_the_field_goes_before_the_header(learner: Learner) -> None:
    one = await learner.with_metadata(idempotency_key="header").start("yoga", request_id="field")

    assert await learner.start("yoga", request_id="field") == one
    assert await learner.start("yoga", request_id="header") != one


async def test_keys_belong_to_their_users(learner: Learner, stranger: Learner) -> None:
    mine = await learner.start("yoga", request_id="common")
    theirs = await stranger.start("yoga", request_id="common")

    assert mine.user_id != theirs.user_id
    assert mine.name != theirs.name


async def test_a_refused_request_may_use_its_key_again(learner: Learner) -> None:
    open_one = await learner.start("focus")
    refused = await refusal(learner.start("focus", request_id="retry"))
    assert refused.reason == "SESSION_ALREADY_OPEN"
    await learner.call("AbandonSession", name=open_one.name)

    assert (await learner.start("focus", request_id="retry")).name != open_one.name


async def test_a_completion_is_repeated_with_the_number_it_had(learner: Learner) -> None:
    names = [(await learner.start()).name for _ in range(2)]
    first = await learner.call("CompleteSession", name=names[0], request_id="once")
    await learner.call("CompleteSession", name=names[1])

    assert (await learner.call("CompleteSession", name=names[0], request_id="once")) == first
    assert first.user_seq == 1


async def _number(learner: Learner, method: str, **fields: Any) -> str | None:
    call = learner.with_metadata(x_envoy_original_method="POST").call(method, **fields)
    await call
    return dict(await call.initial_metadata()).get("x-practice-user-seq")


@pytest.mark.parametrize(("method", "fields"), MUTATIONS, ids=[method for method, _ in MUTATIONS])
async def test_a_change_by_http_answers_how_far_the_callers_events_are(
    learner: Learner, method: str, fields: dict[str, Any]
) -> None:
    await learner.call("RecordStandaloneAnswer", product="exercises", answer=ANSWER)
    fields = await _fields(learner, method, fields)
    ends = method in ("RecordStandaloneAnswer", "CompleteSession", "AbandonSession")

    assert await _number(learner, method, **fields, request_id="once") == ("2" if ends else "1")
    await learner.call("RecordStandaloneAnswer", product="exercises", answer=ANSWER)
    assert await _number(learner, method, **fields, request_id="once") == ("2" if ends else "1")


async def test_the_gateway_is_told_the_number_along_with_the_answer(learner: Learner) -> None:
    by_http = learner.with_metadata(x_envoy_original_method="POST", x_envoy_original_path="/v1/sessions")
    call = by_http.call("StartSession", product="exercises")
    await call
    # By the status, whose message gRPC's own clients do not show.
    assert "x-practice-user-seq" not in dict(await call.initial_metadata())


async def test_reads_and_the_platforms_own_calls_answer_no_number(learner: Learner) -> None:
    reading = learner.with_metadata(x_envoy_original_method="GET").call("ListSessions")
    inside = learner.call("StartSession", product="yoga")
    for call in (reading, inside):
        await call
        assert "x-practice-user-seq" not in dict(await call.initial_metadata())


@pytest.mark.parametrize("key", ["k" * 129, "nul\0"])
async def test_a_key_that_cannot_be_kept_is_refused(learner: Learner, key: str) -> None:
    refused = await refusal(learner.start("yoga", request_id=key))

    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "FIELD_INVALID")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "europe/madrid", "+02:00", "x" * 500])
async def test_a_zone_that_is_none_leaves_the_zone_of_the_account(learner: Learner, zone: str) -> None:
    await learner.with_metadata(x_time_zone="Asia/Tokyo").start("yoga")
    session = await learner.with_metadata(x_time_zone=zone).start("yoga")

    assert session.time_zone == "Asia/Tokyo"


@pytest.fixture
async def clocked(
    session_settings: dict[str, Any], me: Metadata, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Learner, Callable[[str], datetime]]]:
    """A learner of a service whose clock is set by hand."""
    present = {"now": datetime.now(UTC)}

    def set_clock(instant: str) -> datetime:
        present["now"] = datetime.fromisoformat(instant).astimezone(UTC)
        return present["now"]

    monkeypatch.setattr(main, "utc_now", lambda: present["now"])
    async with (
        serving(SessionSettings(**session_settings)) as running,
        grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel,
    ):
        yield Learner(rpc.SessionServiceStub(channel), me), set_clock


Clocked = tuple[Learner, Callable[[str], datetime]]


async def test_the_day_of_an_end_is_the_one_in_the_users_zone(clocked: Clocked) -> None:
    learner, set_clock = clocked
    set_clock("2026-03-01T10:30:00+00:00")
    traveller = learner.with_metadata(x_time_zone="Pacific/Kiritimati")

    session = await traveller.start("yoga")
    ended = await learner.call("CompleteSession", name=session.name)

    assert (session.time_zone, session.local_date) == ("Pacific/Kiritimati", "")
    # Fourteen hours ahead; the zone is remembered though the end does not name it.
    assert (ended.time_zone, ended.local_date) == ("Pacific/Kiritimati", "2026-03-02")


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        ("America/Los_Angeles", "2026-03-01T07:59:59+00:00", "2026-02-28"),
        ("America/Los_Angeles", "2026-03-01T08:00:00+00:00", "2026-03-01"),
        ("Asia/Kathmandu", "2026-03-01T18:15:00+00:00", "2026-03-02"),
        ("Asia/Kathmandu", "2026-03-01T18:14:59+00:00", "2026-03-01"),
        ("Europe/Madrid", "2026-10-25T22:59:59+00:00", "2026-10-25"),
        ("Europe/Madrid", "2026-10-25T23:00:00+00:00", "2026-10-26"),
    ],
)
async def test_a_day_turns_at_the_users_own_midnight(
    clocked: Clocked, zone: str, instant: str, day: str
) -> None:
    learner, set_clock = clocked
    set_clock("2026-02-01T00:00:00+00:00")
    session = await learner.with_metadata(x_time_zone=zone).start("yoga")

    set_clock(instant)
    ended = await learner.call("CompleteSession", name=session.name)

    assert ended.local_date == day


async def test_the_zone_in_force_at_the_end_counts_and_the_earlier_ones_are_kept_with_their_times(
    clocked: Clocked, engine: AsyncEngine, user_id: int
) -> None:
    learner, set_clock = clocked
    history = []
    session = None
    for instant, zone in (
        ("2026-03-01T12:00:00+00:00", "Europe/Madrid"),
        ("2026-03-02T12:00:00+00:00", "Asia/Tokyo"),
        ("2026-03-03T12:00:00+00:00", "Asia/Tokyo"),
        ("2026-03-04T18:00:00+00:00", "Europe/Madrid"),
    ):
        now = set_clock(instant)
        if not history or history[-1][1] != zone:
            history.append((now, zone))
        here = learner.with_metadata(x_time_zone=zone)
        session = session or await here.start("yoga")
        await here.call("GetSession", name=session.name)
    assert session is not None
    assert session.time_zone == "Europe/Madrid"

    last = set_clock("2026-03-05T20:00:00+00:00")
    ended = await learner.with_metadata(x_time_zone="Asia/Tokyo").call("CompleteSession", name=session.name)

    assert (ended.time_zone, ended.local_date) == ("Asia/Tokyo", "2026-03-06")
    assert ended.local_date == last.astimezone(ZoneInfo("Asia/Tokyo")).date().isoformat()
    table = tables.learner_calendar
    async with engine.connect() as connection:
        rows = await connection.execute(
            select(table.c.effective_at, table.c.time_zone)
            .where(table.c.user_id == user_id)
            .order_by(table.c.effective_at)
        )
        assert [tuple(row) for row in rows] == [*history, (last, "Asia/Tokyo")]


async def test_an_ended_session_keeps_its_day_when_the_user_moves(clocked: Clocked) -> None:
    learner, set_clock = clocked
    set_clock("2026-03-01T10:30:00+00:00")
    session = await learner.with_metadata(x_time_zone="Pacific/Kiritimati").start("yoga")
    ended = await learner.call("CompleteSession", name=session.name)

    moved = learner.with_metadata(x_time_zone="Pacific/Pago_Pago")

    assert await moved.call("GetSession", name=session.name) == ended


async def test_a_zone_sent_to_another_process_is_in_force_here(
    session_settings: dict[str, Any], tokens: TestTokens, user_id: int
) -> None:
    async with (
        serving(SessionSettings(**session_settings)) as one,
        serving(SessionSettings(**session_settings)) as other,
        grpc.aio.insecure_channel(f"127.0.0.1:{one.port}") as to_one,
        grpc.aio.insecure_channel(f"127.0.0.1:{other.port}") as to_other,
    ):
        here = Learner(rpc.SessionServiceStub(to_one), tokens.bearer(user_id))
        there = Learner(rpc.SessionServiceStub(to_other), tokens.bearer(user_id))
        session = await here.with_metadata(x_time_zone="Europe/Madrid").start("yoga")
        await there.with_metadata(x_time_zone="Asia/Tokyo").call("GetSession", name=session.name)

        ended = await here.call("CompleteSession", name=session.name, elapsed=elapsed(1))

    assert ended.time_zone == "Asia/Tokyo"
