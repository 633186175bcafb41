"""The facts, told again to the platform's own services."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest
from practice.events.v1.calendar_changed_pb2 import CalendarChanged
from practice.session.v1 import practice_session_pb2 as session_pb
from practice.session.v1 import session_service_pb2 as pb
from practice.session.v1 import session_service_pb2_grpc as rpc
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from session_service.adapters.db import learners, readers, tables
from session_service.domain.events import CALENDAR_CHANGED, ENDED
from tests.grpc_errors import refusal
from tests.session_service.clients import Learner, Metadata, elapsed
from tests.tokens import TestTokens


async def payloads(engine: AsyncEngine, user_id: int, kind: str) -> list[bytes]:
    table = tables.outbox
    async with engine.connect() as connection:
        rows = await connection.execute(
            select(table.c.payload)
            .where(table.c.user_id == user_id, table.c.kind == kind)
            .order_by(table.c.aggregate_id)
        )
        return list(rows.scalars())


async def test_the_export_is_byte_for_byte_what_the_outbox_holds(
    learner: Learner,
    export: rpc.SessionExportServiceAsyncStub,
    internal: Metadata,
    engine: AsyncEngine,
    user_id: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readers, "EXPORT_CHUNK", 2)
    answer = session_pb.Answer(item="exercises/123", text="hable")
    traveller = learner.with_metadata(x_time_zone="Asia/Kathmandu")
    for product, method in (
        ("focus", "AbandonSession"),
        ("yoga", "CompleteSession"),
        ("focus", "CompleteSession"),
    ):
        name = (await traveller.start(product)).name
        await traveller.call(method, name=name, elapsed=elapsed(4_000))
    await learner.call("RecordStandaloneAnswer", product="exercises", answer=answer)
    still_open = await learner.start("yoga")

    events = [
        event
        async for event in export.ExportCompletions(
            pb.ExportCompletionsRequest(user_id=user_id), metadata=internal
        )
    ]

    stored = await payloads(engine, user_id, ENDED)
    assert [event.SerializeToString(deterministic=True) for event in events] == stored
    assert [(event.product, event.outcome, event.counts) for event in events] == [
        ("focus", "abandoned", False),
        ("yoga", "completed", True),
        ("focus", "completed", True),
        ("exercises", "completed", True),
    ]
    # The first of the user's events is their zone.
    assert [event.user_seq for event in events] == [2, 3, 4, 5]
    assert {event.time_zone for event in events} == {"Asia/Kathmandu"}
    assert still_open.name not in {f"sessions/{event.session_id}" for event in events}

    after = pb.ExportCompletionsRequest(user_id=user_id, after_session_id=events[1].session_id)
    rest = [event async for event in export.ExportCompletions(after, metadata=internal)]
    assert rest == events[2:]


async def test_changes_of_calendar_are_exported_as_the_outbox_holds_them(
    learner: Learner,
    stranger: Learner,
    export: rpc.SessionExportServiceAsyncStub,
    internal: Metadata,
    engine: AsyncEngine,
    user_id: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learners, "EXPORT_CHUNK", 2)
    zones = ["Asia/Kathmandu", "Europe/Madrid", "UTC", "Asia/Tokyo", "Asia/Kathmandu"]
    for zone in zones:
        for who in (learner, stranger):
            await who.with_metadata(x_time_zone=zone).call("ListSessions")

    async def exported(**selection: int) -> list[CalendarChanged]:
        request = pb.ExportCalendarChangesRequest(**selection)
        return [event async for event in export.ExportCalendarChanges(request, metadata=internal)]

    mine = await exported(user_id=user_id)
    stored = await payloads(engine, user_id, CALENDAR_CHANGED)
    assert [event.SerializeToString(deterministic=True) for event in mine] == stored
    assert [(event.user_seq, event.time_zone) for event in mine] == list(enumerate(zones, start=1))
    everybodys = await exported()
    assert [event for event in everybodys if event.user_id == user_id] == mine
    assert len(everybodys) >= 10


async def test_the_export_of_everybody_is_in_the_order_of_session_numbers(
    learner: Learner, stranger: Learner, export: rpc.SessionExportServiceAsyncStub, internal: Metadata
) -> None:
    first = await learner.start("yoga")
    for who in (stranger, learner, stranger):
        await who.call("CompleteSession", name=(await who.start("yoga")).name)
    await learner.call("CompleteSession", name=first.name)
    start = int(first.name.removeprefix("sessions/")) - 1

    numbers = [
        event.session_id
        async for event in export.ExportCompletions(
            pb.ExportCompletionsRequest(after_session_id=start), metadata=internal
        )
    ]

    assert numbers == sorted(numbers)
    assert numbers[0] == start + 1
    assert len(numbers) == 4


async def test_the_export_is_for_the_platforms_own_services(
    export: rpc.SessionExportServiceAsyncStub,
    tokens: TestTokens,
    new_user: Callable[[], int],
    internal: Metadata,
) -> None:
    wrong = ((internal[0][0], internal[0][1][:-1]),)
    for metadata in ((), tokens.bearer(new_user()), wrong):
        refused = await refusal(
            export.ExportCompletions(pb.ExportCompletionsRequest(), metadata=metadata).read()
        )

        assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED")


async def test_an_export_outside_the_bounds_is_refused(
    export: rpc.SessionExportServiceAsyncStub, internal: Metadata
) -> None:
    for request in (
        pb.ExportCompletionsRequest(user_id=-1),
        pb.ExportCompletionsRequest(after_session_id=-1),
    ):
        refused = await refusal(export.ExportCompletions(request, metadata=internal).read())

        assert refused.reason == "FIELD_INVALID"
