"""What a process remembers of sessions is told only where a write has proved it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from service_kit.call import Call, RequestIdentity, enter_call, reached
from service_kit.errors import AccountErasedError, ConflictError
from session_service.adapters.db import tables
from session_service.adapters.db.combined import CombinedStatements, RecentSessions
from session_service.application.ports.sessions import SessionRef
from session_service.application.submit_answers import Answered
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.errors import SessionEndedError, SessionNotFoundError
from session_service.domain.items import SessionItem
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State
from tests.session_service.adapters.db.lots import note_missed
from tests.session_service.database import Database


@pytest.fixture
def missed(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return note_missed(database.recent, monkeypatch)


async def begin(
    database: Database, user_id: int, product: str = "exercises", **fields: Any
) -> PracticeSession:
    """A session that is remembered from its start: a learner's first in a product is not."""
    await database.use.remember_calendar(user_id, "Asia/Tokyo", None)
    for _ in range(2):
        started = await database.use.start_session(Call(user_id), product=product, **fields)
    return started.session


async def submit(
    database: Database, session: PracticeSession, text: str = "hable", **fields: Any
) -> Answered:
    key, item = fields.pop("key", ""), fields.pop("item", "exercises/1")
    request = RequestIdentity(key, "/x/Y", hashlib.sha256(text.encode()).digest()) if key else None
    call = Call(fields.pop("user_id", session.user_id), request=request)
    ref = fields.pop("ref", SessionRef(session.id))
    return await database.use.submit_answers(call, ref, [SubmittedAnswer(item, text, **fields)])


async def check(database: Database, session: PracticeSession, answers: int, changes: int = 0) -> None:
    """Answers are numbered without a gap, each is a version with its entry; what is remembered is stored."""
    stored = await database.readers.get(session.user_id, SessionRef(session.id))
    assert (stored.answer_count, stored.version) == (answers, answers + changes + 1)
    journal = await database.readers.journal(session.user_id, session.id, 0)
    assert [entry.sequence for entry in journal] == list(range(2, answers + changes + 2))
    assert await database.column("answer", "position", session_id=session.id) == list(range(1, answers + 1))
    remembered = database.recent.recall(session.user_id, SessionRef(session.id))
    assert remembered is not None
    assert remembered.session == stored
    items = await database.readers.items(session.user_id, session.id)
    assert list(remembered.items.items()) == [(each.item, each) for each in items]


async def test_from_the_start_on_a_session_is_not_read(
    database: Database, user_id: int, missed: list[int]
) -> None:
    settings = {"b": [1, 2.5, None], "a": "ä", "big": 2**60}
    session = await begin(database, user_id, settings=settings)
    await check(database, session, 0)
    for count in range(1, 5):
        answered = await submit(database, session, answer_id=f"a{count}", key=f"k{count}")
        assert answered.session.answer_count == count
        await check(database, session, count)
    await database.use.pause_session(Call(user_id), SessionRef(session.id))
    await check(database, session, 4, changes=1)
    assert (await submit(database, session)).session.state is State.PAUSED
    await database.use.resume_session(Call(user_id), SessionRef(session.id))
    await submit(database, session)
    await check(database, session, 6, changes=2)
    assert missed == []

    await database.use.complete_session(Call(user_id), SessionRef(session.id))
    assert database.recent.recall(user_id, SessionRef(session.id)) is None


async def test_picked_items_are_remembered_as_they_went(
    database: Database, user_id: int, missed: list[int]
) -> None:
    session = await begin(database, user_id, "portal", content="activities/123")
    for item, text, following in ((1, "no", 2), (3, "hable", 2), (2, "hable", 4), (1, "hable", 4)):
        answered = await submit(database, session, text, item=f"words/{item}")
        assert answered.next_item is not None
        assert answered.next_item.item == f"words/{following}"
    assert (answered.session.answered_item_count, answered.session.mastered_item_count) == (3, 2)
    await check(database, session, 4)
    assert missed == []


async def test_two_processes_that_answer_in_turns_count_every_answer_once(
    database: Database, other: Database, user_id: int
) -> None:
    session = await begin(database, user_id)
    for count in range(1, 9):
        answered = await submit(other if count % 2 else database, session)
        assert answered.session.answer_count == count
    await check(database, session, 8)


async def test_two_processes_that_answer_at_once_count_every_answer_once(
    database: Database, other: Database, user_id: int
) -> None:
    sessions = [await begin(database, user_id) for _ in range(3)]
    for session in sessions:
        await submit(other, session)
    for _ in range(4):
        answered = await asyncio.gather(
            *(submit(each, session) for session in sessions for each in (database, other) for _ in range(4))
        )
    assert max(each.session.answer_count for each in answered) == 33
    for session in sessions:
        await submit(database, session)
        await check(database, session, 34)


async def test_what_others_did_meanwhile_is_seen(
    database: Database, other: Database, user_id: int, missed: list[int]
) -> None:
    session = await begin(database, user_id)
    ref = SessionRef(session.id)
    await submit(database, session)
    await other.use.pause_session(Call(user_id), ref)
    assert (await submit(database, session)).session.state is State.PAUSED
    await other.use.save_draft(Call(user_id), ref, "{}")
    assert (await submit(database, session)).session.draft_saved_at is not None
    await check(database, session, 3, changes=2)
    assert missed == [session.id] * 2

    await other.use.complete_session(Call(user_id), ref)
    with pytest.raises(SessionEndedError):
        await submit(database, session)
    assert (await other.readers.get(user_id, ref)).answer_count == 3


async def test_a_refusal_shows_the_session_as_it_is_stored(
    database: Database, other: Database, user_id: int, missed: list[int]
) -> None:
    """It writes nothing, so nothing proves what is remembered."""
    session = await begin(database, user_id)
    await submit(database, session)
    await submit(other, session)
    refused = await submit(database, session, "x" * 1001)
    assert refused.results[0].refusal is not None
    assert refused.session.answer_count == 2
    assert missed == [session.id]


async def test_an_answer_of_which_nobody_looked_whether_it_is_on_record_counts_once(
    database: Database, other: Database, user_id: int
) -> None:
    session, crowd = await begin(database, user_id), await begin(database, user_id)
    first = await submit(database, session, answer_id="a", time_taken=2.5)
    await submit(database, session, answer_id="b")
    await submit(other, session, "no", answer_id="c")

    again, reused, elsewhere, fresh, *others = await asyncio.gather(
        submit(database, session, answer_id="a", time_taken=9),
        submit(database, session, "another text", answer_id="b"),
        submit(database, session, "no", answer_id="c"),
        submit(database, session, answer_id="d"),
        *(submit(database, crowd, answer_id=f"a{n}") for n in range(5)),
    )
    assert again.results == first.results
    assert reused.results[0].refusal is not None
    assert reused.results[0].refusal.reason == "ANSWER_ID_REUSED"
    assert elsewhere.results[0].recorded is not None
    assert not elsewhere.results[0].recorded.correct
    assert fresh.session.answer_count == 4
    assert sorted(each.session.answer_count for each in others) == [1, 2, 3, 4, 5]
    await check(database, session, 4)
    await check(database, crowd, 5)


async def test_a_repeated_key_gets_its_first_outcome_wherever_it_was_used(
    database: Database, other: Database, user_id: int
) -> None:
    session = await begin(database, user_id)
    here = await submit(database, session, key="here")
    there = await submit(other, session, key="there")
    await submit(database, session)
    assert await submit(database, session, key="here") == here
    assert await submit(database, session, key="there") == there
    with pytest.raises(ConflictError) as reused:
        await submit(database, session, "no", key="there")
    assert reused.value.reason == "IDEMPOTENCY_KEY_REUSED"
    # And one that both use at the same moment.
    outcomes = await asyncio.gather(*(submit(each, session, key="both") for each in (database, other)))
    assert outcomes[0] == outcomes[1]
    await submit(database, session)
    await check(database, session, 5)


async def test_a_remembered_session_is_its_learners_alone_and_by_its_own_names(
    database: Database, user_id: int, new_user: Callable[[], int]
) -> None:
    session = await begin(database, user_id)
    await submit(database, session)
    second = int(session.started_at.timestamp())
    for fields in (
        {"user_id": new_user()},
        {"ref": SessionRef(session.id, "portal")},
        {"ref": SessionRef(session.id, "exercises", second + 1)},
        {"ref": SessionRef(session.id + 1_000_000)},
    ):
        with pytest.raises(SessionNotFoundError):
            await submit(database, session, **fields)
    await submit(database, session, ref=SessionRef(session.id, "exercises", second))
    await check(database, session, 2)


async def test_after_a_lost_connection_nothing_is_remembered(
    database: Database, user_id: int, missed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await begin(database, user_id)
    await submit(database, session)
    write = CombinedStatements.write

    async def lose(self: CombinedStatements, *asked: Any) -> Any:
        await write(self, *asked)
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(CombinedStatements, "write", lose)
        with pytest.raises(ConnectionError):
            await submit(database, session)
    assert missed == []
    assert (await submit(database, session)).session.answer_count == 3
    await check(database, session, 3)
    assert missed == [session.id]


async def test_of_an_erased_learner_nothing_is_told(database: Database, user_id: int) -> None:
    session = await begin(database, user_id)
    await submit(database, session)
    async with database.engine.begin() as connection:
        for name in ("answer", "journal", "practice_session"):
            table = tables.metadata.tables[f"session.{name}"]
            await connection.execute(delete(table).where(table.c.user_id == user_id))
    with pytest.raises(SessionNotFoundError):
        await submit(database, session)

    erased = await begin(database, user_id)
    await submit(database, erased)
    async with database.engine.begin() as connection:
        await connection.execute(insert(tables.erased_user).values(user_id=user_id, request_id="r"))
    with pytest.raises(AccountErasedError):
        await submit(database, erased, key="k")
    assert await database.count("answer", user_id=user_id) == 1


async def test_a_database_put_back_to_an_earlier_moment_is_seen(database: Database, user_id: int) -> None:
    """Its versions are numbered anew: the same number may be of another version."""
    session = await begin(database, user_id)
    last = (await submit(database, session)).session
    table = tables.practice_session
    async with database.engine.begin() as connection:
        of_session = update(table).where(table.c.id == session.id)
        await connection.execute(
            of_session.values(correct_answer_count=0, updated_at=last.updated_at.replace(year=2025))
        )
    answered = await submit(database, session)
    assert (answered.session.answer_count, answered.session.correct_answer_count) == (2, 1)


async def test_another_version_of_the_same_number_is_not_followed(database: Database, user_id: int) -> None:
    session = await begin(database, user_id, "portal", content="activities/123")
    recalled = database.recent.recall(user_id, SessionRef(session.id))
    assert recalled is not None
    put_back = replace(session, updated_at=session.updated_at + timedelta(seconds=1))
    database.recent.follow(put_back, replace(put_back, version=session.version + 1))
    assert database.recent.recall(user_id, SessionRef(session.id)) is None


async def test_of_a_session_with_large_texts_nothing_is_kept(database: Database, user_id: int) -> None:
    session = await begin(database, user_id)
    for large in (replace(session, note="x" * 5_000), replace(session, settings={"a": [{}] * 1_000})):
        database.recent.keep(large, {})
        assert database.recent.recall(user_id, SessionRef(session.id)) is None
    database.recent.keep(session, {})
    assert database.recent.recall(user_id, SessionRef(session.id)) is not None


async def test_an_answer_says_how_far_the_learners_events_are_by_now(
    database: Database, other: Database, user_id: int, missed: list[int]
) -> None:
    session, ended = await begin(database, user_id), await begin(database, user_id)
    await submit(database, session)
    await submit(other, ended)
    done = await other.use.complete_session(Call(user_id), SessionRef(ended.id))
    enter_call(Call(user_id))
    await submit(database, session)
    assert reached() == done.session.user_seq == 2
    assert missed == []


async def test_memory_is_bounded_in_number_size_and_time(database: Database, user_id: int) -> None:
    session = await begin(database, user_id)
    items = {str(n): SessionItem(n, str(n), "") for n in range(3)}
    recent = RecentSessions(most=6, seconds=3600)
    for number in range(1, 5):
        recent.keep(replace(session, id=number), {})
    recent.keep(replace(session, id=5), items)
    assert [number for number in range(1, 6) if recent.recall(user_id, SessionRef(number))] == [3, 4, 5]
    recent.keep(replace(session, id=6), {str(n): SessionItem(n, str(n), "") for n in range(9)})
    assert recent.recall(user_id, SessionRef(6)) is None, "more than there is room for"

    brief = RecentSessions(seconds=0)
    brief.keep(session, {})
    assert brief.recall(user_id, SessionRef(session.id)) is None
