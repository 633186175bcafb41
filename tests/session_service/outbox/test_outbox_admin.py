"""Operators look after the events that have not arrived."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import grpc
import pytest
from practice.session.v1 import outbox_admin_service_pb2 as pb
from practice.session.v1 import outbox_admin_service_pb2_grpc as rpc
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.paging import encode_page_token
from session_service.adapters.db import tables
from tests.grpc_errors import refusal
from tests.session_service.clients import Learner, Metadata
from tests.tokens import TestTokens

outbox = tables.outbox


@pytest.fixture
def admin(channel: grpc.aio.Channel) -> rpc.OutboxAdminServiceAsyncStub:
    return rpc.OutboxAdminServiceStub(channel)


@pytest.fixture
async def dead(learner: Learner, engine: AsyncEngine, user_id: int) -> list[str]:
    """Three events of the learner that were given up, the latest first."""
    for _ in range(3):
        await learner.call("CompleteSession", name=(await learner.start("yoga")).name)
    mine = select(outbox.c.event_id).where(outbox.c.user_id == user_id).order_by(outbox.c.user_seq.desc())
    async with engine.begin() as connection:
        found = list((await connection.execute(mine)).scalars())
    for event_id in reversed(found):
        async with engine.begin() as connection:
            # Later than whatever other tests of this database have buried.
            values = {"dead_at": func.clock_timestamp(), "last_error": "no such product", "attempts": 12}
            await connection.execute(update(outbox).where(outbox.c.event_id == event_id).values(**values))
    return [str(event_id) for event_id in found]


async def test_dead_letters_are_listed_page_by_page_the_latest_first(
    admin: rpc.OutboxAdminServiceAsyncStub, internal: Metadata, dead: list[str], user_id: int
) -> None:
    page = await admin.ListDeadLetters(pb.ListDeadLettersRequest(page_size=2), metadata=internal)
    rest = await admin.ListDeadLetters(
        pb.ListDeadLettersRequest(page_size=1, page_token=page.next_page_token), metadata=internal
    )

    letters = [*page.dead_letters, *rest.dead_letters]
    assert [letter.event_id for letter in letters] == dead
    assert [letter.user_seq for letter in letters] == [3, 2, 1]
    assert {(letter.user_id, letter.kind, letter.attempts, letter.last_error) for letter in letters} == {
        (user_id, "session_ended", 12, "no such product")
    }
    assert letters[0].dead_time.ToDatetime() > letters[2].dead_time.ToDatetime()


async def test_requeued_letters_wait_again(
    admin: rpc.OutboxAdminServiceAsyncStub, internal: Metadata, dead: list[str]
) -> None:
    before = await admin.GetOutbox(pb.GetOutboxRequest(), metadata=internal)

    request = pb.RequeueDeadLettersRequest(event_ids=dead[:2])
    answers = [await admin.RequeueDeadLetters(request, metadata=internal) for _ in range(2)]

    assert [answer.requeued_count for answer in answers] == [2, 0]
    after = await admin.GetOutbox(pb.GetOutboxRequest(), metadata=internal)
    assert after.dead_letter_count == before.dead_letter_count - 2
    assert after.waiting_count >= 2
    assert after.oldest_waiting_age.ToTimedelta().total_seconds() > 0
    listed = await admin.ListDeadLetters(pb.ListDeadLettersRequest(), metadata=internal)
    assert listed.dead_letters[0].event_id == dead[2]

    rest = await admin.RequeueDeadLetters(pb.RequeueDeadLettersRequest(all=True), metadata=internal)
    assert rest.requeued_count == after.dead_letter_count


async def test_the_outbox_is_for_operators_alone(
    admin: rpc.OutboxAdminServiceAsyncStub,
    tokens: TestTokens,
    new_user: Callable[[], int],
    internal: Metadata,
    dead: list[str],
) -> None:
    wrong = ((internal[0][0], internal[0][1][:-1]),)
    for metadata in ((), tokens.bearer(new_user()), wrong):
        for call in (
            admin.GetOutbox(pb.GetOutboxRequest(), metadata=metadata),
            admin.ListDeadLetters(pb.ListDeadLettersRequest(), metadata=metadata),
            admin.RequeueDeadLetters(pb.RequeueDeadLettersRequest(), metadata=metadata),
        ):
            refused = await refusal(call)
            assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED")


@pytest.mark.parametrize(
    "position",
    [5, ["2026-02-18T08:00:00", str(uuid.UUID(int=1))], ["yesterday", "x"], [1, 2], ["2026-02-18"], {}],
)
async def test_a_page_token_of_another_make_is_refused(
    admin: rpc.OutboxAdminServiceAsyncStub, internal: Metadata, position: object
) -> None:
    token = encode_page_token("ListDeadLetters", [], position)
    refused = await refusal(
        admin.ListDeadLetters(pb.ListDeadLettersRequest(page_token=token), metadata=internal)
    )
    assert refused.reason == "PAGE_TOKEN_INVALID"


async def test_a_request_outside_the_bounds_is_refused(
    admin: rpc.OutboxAdminServiceAsyncStub, internal: Metadata
) -> None:
    for call in (
        admin.ListDeadLetters(pb.ListDeadLettersRequest(page_size=1001), metadata=internal),
        admin.ListDeadLetters(pb.ListDeadLettersRequest(page_size=-1), metadata=internal),
        admin.RequeueDeadLetters(pb.RequeueDeadLettersRequest(event_ids=["first"]), metadata=internal),
        admin.RequeueDeadLetters(pb.RequeueDeadLettersRequest(), metadata=internal),
        admin.RequeueDeadLetters(
            pb.RequeueDeadLettersRequest(event_ids=[str(uuid.uuid4())], all=True), metadata=internal
        ),
        admin.RequeueDeadLetters(
            pb.RequeueDeadLettersRequest(event_ids=[str(uuid.uuid4())] * 1001), metadata=internal
        ),
    ):
        assert (await refusal(call)).reason == "FIELD_INVALID"
