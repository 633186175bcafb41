"""The session service gives all that it keeps of a person, and forgets them for good."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import grpc
import pytest
import redis.asyncio
from practice.privacy.v1 import personal_data_service_pb2 as pb
from practice.session.v1 import calendar_service_pb2 as calendar_pb
from practice.session.v1 import calendar_service_pb2_grpc as calendar_rpc
from practice.session.v1 import submission_service_pb2 as submission_pb
from practice.session.v1 import submission_service_pb2_grpc as submission_rpc
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.personal_data import LARGEST_PIECE
from session_service.adapters.db import tables
from session_service.adapters.redis.client import PREFIX
from tests.grpc_errors import refusal
from tests.personal_data import PersonalDataClient, rows_of
from tests.session_service.clients import Learner, Metadata
from tests.tokens import TestTokens

DIAGRAM = '{"elements": [1.0, 1e400], "x": "' + "é" * 200_000 + '"}'


@pytest.fixture
def personal_data(channel: grpc.aio.Channel, internal: Metadata) -> PersonalDataClient:
    return PersonalDataClient(channel, internal)


@pytest.fixture
def submissions(channel: grpc.aio.Channel) -> submission_rpc.SubmissionServiceAsyncStub:
    return submission_rpc.SubmissionServiceStub(channel)


async def practise(learner: Learner, engine: AsyncEngine, user_id: int) -> None:
    """Leaves something in every table."""
    drill = await learner.start()
    await learner.answer(drill.name, "hable", "habla")
    keyed = learner.with_metadata(idempotency_key=str(uuid.uuid4()), x_time_zone="Asia/Tokyo")
    await keyed.call("CompleteSession", name=drill.name)
    await learner.start("focus")
    values = {
        "content": "problems/1",
        "document": DIAGRAM,
        "score": 1,
        "elapsed_seconds": 5,
        "status": "submitted",
        "feedback": {},
        "submitted_at": func.now(),
        "updated_at": func.now(),
        "version": 1,
    }
    async with engine.begin() as connection:
        of_session = {"user_id": user_id, "session_id": int(drill.name.partition("/")[2])}
        await connection.execute(insert(tables.draft).values(**of_session, content=DIAGRAM, content_hash="x"))
        line = {"position": 1, "role": "user", "content": 'Why, "so"?\nYes', "created_at": func.now()}
        await connection.execute(insert(tables.message).values(**of_session, **line))
        item = {"item": "words/hello", "prompt": "hello", "correct_answer": "hola"}
        synced = {"client_id": uuid.uuid4(), "digest": b"x", "refused_answers": []}
        await connection.execute(insert(tables.synced_item).values(**of_session, **synced))
        counts = {"position": 1, "attempt_count": 0, "correct_attempt_count": 0}
        await connection.execute(insert(tables.session_item).values(**of_session, **item, **counts))
        made = insert(tables.submission).values(**of_session, **values).returning(tables.submission.c.id)
        submission = (await connection.execute(made)).scalar_one()
        of_submission = {"user_id": user_id, "submission_id": submission}
        await connection.execute(insert(tables.submission_message).values(**of_submission, **line))


async def test_everything_is_in_the_files_and_nothing_secret(
    personal_data: PersonalDataClient, learner: Learner, stranger: Learner, engine: AsyncEngine, user_id: int
) -> None:
    await practise(learner, engine, user_id)
    await stranger.start()

    categories = await personal_data.categories(user_id)

    assert {name: len(entries) for name, entries in categories.items()} == {
        "session/events": 2,
        "session/submissions": 1,
        "session/submission_messages": 1,
        "session/sessions": 2,
        "session/totals": 2,
        "session/answers": 2,
        "session/items": 1,
        "session/changes": 3,
        "session/drafts": 1,
        "session/messages": 1,
        "session/synced_items": 1,
        "session/calendars": 1,
        "session/learner": 1,
        "session/requests": 1,
    }
    assert [answer["text"] for answer in categories["session/answers"]] == ["hable", "habla"]
    assert categories["session/drafts"][0]["content"] == DIAGRAM
    assert categories["session/messages"][0]["content"] == 'Why, "so"?\nYes'
    assert categories["session/learner"][0]["time_zone"] == "Asia/Tokyo"
    ended = next(each for each in categories["session/sessions"] if each["state"] == "completed")
    assert ended["ended_at"].endswith("Z")
    assert not {"request_digest", "payload"} & {
        column for entries in categories.values() for entry in entries for column in entry
    }
    assert max(len(piece.data) for piece in personal_data.pieces) <= LARGEST_PIECE


async def test_somebody_without_data_gets_empty_files(
    personal_data: PersonalDataClient, user_id: int
) -> None:
    categories = await personal_data.categories(user_id)
    assert len(categories) == 14
    assert not any(categories.values())


async def test_more_rows_than_a_page_all_come_in_order(
    personal_data: PersonalDataClient, learner: Learner, engine: AsyncEngine, user_id: int, database_url: str
) -> None:
    first = await learner.start()
    await learner.call("AbandonSession", name=first.name)
    number = int(first.name.partition("/")[2])
    table = tables.practice_session
    columns = [column for column in table.c if column.name not in ("id", "open_slot")]
    copies = (
        select(*columns, func.generate_series(1, 1_200).label("n")).where(table.c.id == number).subquery()
    )
    texts = dict.fromkeys(("item", "text", "correct_answer", "feedback"), "a")
    answer = {**texts, "user_id": user_id}
    async with engine.begin() as connection:
        names = [column.name for column in columns]
        await connection.execute(
            insert(table).from_select(names, select(*[copies.c[name] for name in names]))
        )
        rows = [
            {**answer, "session_id": number, "position": n, "answer_id": str(n), "correct": True}
            for n in range(1, 1_301)
        ]
        await connection.execute(insert(tables.answer).values(answered_at=func.now()), rows)

    categories = await personal_data.categories(user_id)

    numbers = [session["id"] for session in categories["session/sessions"]]
    assert len(numbers) == 1_201
    assert numbers == sorted(set(numbers))
    assert [answer["position"] for answer in categories["session/answers"]] == list(range(1, 1_301))

    removed = await personal_data.erase(user_id)
    assert (removed["sessions"], removed["answers"]) == (1_201, 1_300)
    assert rows_of(database_url, user_id, "session") == {}


async def test_an_erased_person_leaves_nothing_and_others_keep_theirs(
    personal_data: PersonalDataClient,
    learner: Learner,
    stranger: Learner,
    engine: AsyncEngine,
    user_id: int,
    database_url: str,
) -> None:
    await practise(learner, engine, user_id)
    theirs = await stranger.start()
    await stranger.answer(theirs.name, "hable")
    before = await personal_data.categories(user_id)

    removed = await personal_data.erase(user_id)

    assert removed == {name.partition("/")[2]: len(entries) for name, entries in before.items()}
    assert rows_of(database_url, user_id, "session") == {}
    assert not any((await personal_data.categories(user_id)).values())
    shown = await stranger.call("GetSession", name=theirs.name)
    assert shown.answer_count == 1


async def test_the_same_request_gets_the_same_report_and_another_finds_nothing(
    personal_data: PersonalDataClient, learner: Learner, user_id: int
) -> None:
    await learner.start()

    first = await personal_data.erase(user_id, "one")
    again = await personal_data.erase(user_id, "one")
    other = await personal_data.erase(user_id, "two")

    assert first == again
    assert first["sessions"] == 1
    assert set(other) == set(first)
    assert set(other.values()) == {0}


async def test_an_old_token_writes_nothing_and_reads_nothing(
    personal_data: PersonalDataClient,
    channel: grpc.aio.Channel,
    learner: Learner,
    submissions: submission_rpc.SubmissionServiceAsyncStub,
    tokens: TestTokens,
    user_id: int,
    database_url: str,
) -> None:
    session = await learner.start()
    await personal_data.erase(user_id)
    # As the identity service signs them, and with a zone nobody has stored.
    told = tokens.bearer(user_id, created_at=1_700_000_000)
    late = Learner(learner.sessions, told).with_metadata(x_time_zone="Asia/Tokyo")
    calendar = calendar_rpc.CalendarServiceStub(channel)

    for call in (
        late.call("StartSession", product="exercises"),
        calendar.UpdateCalendar(calendar_pb.UpdateCalendarRequest(rollover_hour=4), metadata=late.metadata),
    ):
        refused = await refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ACCOUNT_ERASED")
    assert (await refusal(late.answer(session.name, "hable"))).reason == "SESSION_NOT_FOUND"
    keyed = late.with_metadata(idempotency_key=str(uuid.uuid4()))
    # The key would be a row of theirs. A process that has not seen the session misses that first.
    ended = await refusal(keyed.call("CompleteSession", name=session.name))
    assert ended.reason in {"ACCOUNT_ERASED", "SESSION_NOT_FOUND"}

    listed = await late.call("ListSessions")
    assert list(listed.sessions) == []
    shown = await submissions.ListSubmissions(submission_pb.ListSubmissionsRequest(), metadata=late.metadata)
    assert list(shown.submissions) == []
    assert rows_of(database_url, user_id, "session") == {}


async def test_what_redis_remembers_of_a_person_goes_too(
    personal_data: PersonalDataClient, learner: Learner, user_id: int, redis_url: str
) -> None:
    await learner.start()
    client = redis.asyncio.Redis.from_url(redis_url)
    mine = [f"cache:portal:1:history:{user_id}:1:::", f"cache:portal:1:details:{user_id}:5:2"]
    mine.append(f"limit:portal-starts:{user_id}")
    theirs = [f"cache:portal:1:history:{user_id + 7_000}:1:::", f"limit:portal-starts:{user_id}1"]
    for name in (*mine, *theirs):
        await client.set(f"{PREFIX}{name}", "x", ex=30)

    await personal_data.erase(user_id)

    assert await client.exists(*[f"{PREFIX}{name}" for name in mine]) == 0
    assert await client.exists(*[f"{PREFIX}{name}" for name in theirs]) == 2
    await client.aclose()


async def test_only_the_platform_itself_may_ask(
    personal_data: PersonalDataClient, tokens: TestTokens, new_user: Callable[[], int], internal: Metadata
) -> None:
    user_id = new_user()
    asked: Any = pb.ErasePersonalDataRequest(user_id=user_id, request_id="one")
    for metadata in ((), tokens.bearer(user_id)):
        refused = await refusal(personal_data.stub.ErasePersonalData(asked, metadata=metadata))
        assert refused.reason == "NOT_PERMITTED"
        stream = personal_data.stub.ExportPersonalData(
            pb.ExportPersonalDataRequest(user_id=user_id), metadata=metadata
        )
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            async for _ in stream:
                pass
        assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
    for bad in (pb.ErasePersonalDataRequest(user_id=user_id), pb.ErasePersonalDataRequest(request_id="one")):
        assert (
            await refusal(personal_data.stub.ErasePersonalData(bad, metadata=internal))
        ).reason == "FIELD_INVALID"
