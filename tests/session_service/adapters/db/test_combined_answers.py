"""Answers of many callers are recorded together, and each caller is told what became of their own."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, select

from service_kit.call import Call, RequestIdentity
from service_kit.errors import AccountErasedError, ConflictError
from session_service.adapters.db import tables
from session_service.application.ports.sessions import SessionRef
from session_service.application.submit_answers import Answered
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.errors import SessionEndedError, SessionNotFoundError
from session_service.domain.practice_session import PracticeSession
from tests.session_service.adapters.db.lots import count_lots
from tests.session_service.database import Database

NewUser = Callable[[], int]


@pytest.fixture
def lots(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return count_lots(database.answers, monkeypatch)


async def begin(database: Database, user_id: int) -> PracticeSession:
    return (await database.use.start_session(Call(user_id), product="exercises")).session


async def submit(database: Database, session: PracticeSession, user_id: int = 0, **fields: Any) -> Answered:
    key, text = fields.pop("key", ""), fields.pop("text", "hable")
    request = RequestIdentity(key, "/x/Y", hashlib.sha256(text.encode()).digest()) if key else None
    return await database.use.submit_answers(
        Call(user_id or session.user_id, request=request),
        SessionRef(session.id),
        [SubmittedAnswer("exercises/1", text, **fields)],
    )


async def check_whole(database: Database, session: PracticeSession, answers: int) -> None:
    """Answers are numbered without a gap, and each is a version with its entry in the journal."""
    ref = SessionRef(session.id)
    stored = await database.readers.get(session.user_id, ref)
    assert (stored.answer_count, stored.version) == (answers, answers + 1)
    journal = await database.readers.journal(session.user_id, session.id, 0)
    assert [entry.sequence for entry in journal] == list(range(2, answers + 2))
    assert [entry.answer_count for entry in journal] == list(range(1, answers + 1))
    table = tables.answer
    async with database.engine.connect() as connection:
        positions = (
            select(table.c.position).where(table.c.session_id == session.id).order_by(table.c.position)
        )
        assert (await connection.execute(positions)).scalars().all() == list(range(1, answers + 1))


@pytest.mark.parametrize("remembered", ["nothing", "all", "some, and outdated"])
async def test_of_64_callers_each_gets_what_they_would_get_alone(
    database: Database, new_user: NewUser, lots: list[int], remembered: str
) -> None:
    plain = [await begin(database, new_user()) for _ in range(20)]
    keyed = [await begin(database, new_user()) for _ in range(8)]
    ended = [await begin(database, new_user()) for _ in range(6)]
    left = [await begin(database, new_user()) for _ in range(4)]
    for session in ended:
        await submit(database, session, answer_id="before")
        await database.use.complete_session(Call(session.user_id), SessionRef(session.id))
    lots.clear()
    if remembered != "nothing":
        for session in [*plain, *keyed, *left, *ended]:
            database.recent.keep(session, {})
    if remembered == "some, and outdated":
        for session in [*plain[::3], *keyed[::3]]:
            database.recent.forget(session.user_id, session.id)
        for session in [*plain[1::3], *keyed[1::3]]:
            outdated = replace(session, version=session.version - 1, answer_count=7)
            database.recent.keep(outdated, {})

    calls = [
        *(submit(database, session) for session in plain),
        *(submit(database, session, key="k", text="hable") for session in keyed for _ in range(2)),
        *(submit(database, session, new_user()) for session in plain[:6]),
        *(submit(database, session) for session in ended),
        *(submit(database, session, answer_id="before") for session in ended),
        *(submit(database, session, text="x" * 1001) for session in plain[:6]),
    ]
    cancelled = [asyncio.create_task(submit(database, session)) for session in left]
    running = asyncio.gather(*calls, return_exceptions=True)
    await asyncio.sleep(0)
    for task in cancelled:
        task.cancel()
    outcomes: list[Any] = list(await running)
    await asyncio.gather(*cancelled, return_exceptions=True)

    assert len(calls) + len(cancelled) == 64
    answered, repeats, strangers = outcomes[:20], outcomes[20:36], outcomes[36:42]
    too_late, known, too_long = outcomes[42:48], outcomes[48:54], outcomes[54:]
    assert max(lots) >= 30
    assert all(each.results[0].recorded.correct for each in answered)
    assert [each.session.id for each in answered] == [session.id for session in plain]
    assert repeats[::2] == repeats[1::2]
    assert {type(error) for error in strangers} == {SessionNotFoundError}
    assert {type(error) for error in too_late} == {SessionEndedError}
    assert all(each.results[0].recorded.answer_id == "before" for each in known)
    assert {each.results[0].refusal.reason for each in too_long} == {"FIELD_INVALID"}
    for session in [*plain, *keyed]:
        await check_whole(database, session, 1)
        assert database.told.session_ids.count(session.id) == 1
    for session in left:
        count = (await database.readers.get(session.user_id, SessionRef(session.id))).answer_count
        assert count in (0, 1)
        await check_whole(database, session, count)


async def test_answers_of_one_session_are_counted_one_after_the_other(
    database: Database, user_id: int, lots: list[int]
) -> None:
    session = await begin(database, user_id)
    outcomes = await asyncio.gather(
        *(
            submit(database, session, answer_id=f"a{n % 20}", text="hable" if n % 2 else "no")
            for n in range(40)
        )
    )
    assert lots == [40]
    assert sorted(each.session.answer_count for each in outcomes) == [*range(1, 21), *[20] * 20]
    assert [each.results[0] for each in outcomes[:20]] == [each.results[0] for each in outcomes[20:]]
    await check_whole(database, session, 20)


async def test_a_repeat_with_another_request_is_refused_alone(
    database: Database, user_id: int, lots: list[int]
) -> None:
    session = await begin(database, user_id)
    first, reused, other = await asyncio.gather(
        submit(database, session, key="same"),
        submit(database, session, key="same", text="no"),
        submit(database, session),
        return_exceptions=True,
    )
    assert lots == [3]
    assert isinstance(first, Answered) and isinstance(other, Answered)
    assert isinstance(reused, ConflictError)
    assert reused.reason == "IDEMPOTENCY_KEY_REUSED"
    # Later, it is answered as it was.
    assert await submit(database, session, key="same") == first
    await check_whole(database, session, 2)


async def test_one_key_for_two_sessions_at_once_is_used_for_one_of_them(
    database: Database, user_id: int, lots: list[int]
) -> None:
    one, other = [await begin(database, user_id) for _ in range(2)]
    first, reused = await asyncio.gather(
        submit(database, one, key="same"),
        submit(database, other, key="same", text="no"),
        return_exceptions=True,
    )
    assert lots == [2]
    assert isinstance(first, Answered)
    assert isinstance(reused, ConflictError)
    await check_whole(database, one, 1)
    await check_whole(database, other, 0)


async def test_picked_items_go_on_in_their_order(database: Database, user_id: int, lots: list[int]) -> None:
    started = await database.use.start_session(Call(user_id), product="portal", content="activities/123")
    ref = SessionRef(started.session.id)
    outcomes = await asyncio.gather(
        *(
            database.use.submit_answers(Call(user_id), ref, [SubmittedAnswer(f"words/{number}", text)])
            for number, text in ((1, "hable"), (3, "hable"), (2, "no"), (1, "no"))
        )
    )
    assert lots == [4]
    assert [each.next_item.item for each in outcomes if each.next_item] == [
        *("words/2", "words/2", "words/4", "words/4"),
    ]
    last = outcomes[-1].session
    assert (last.answer_count, last.answered_item_count, last.mastered_item_count) == (4, 3, 1)
    items = await database.readers.items(user_id, ref.id)
    assert [(each.attempt_count, each.correct_attempt_count) for each in items[:4]] == [
        *((2, 1), (1, 0), (1, 1), (0, 0)),
    ]


async def test_nobody_waits_for_a_session_that_somebody_holds(
    database: Database, new_user: NewUser, lots: list[int]
) -> None:
    sessions = [await begin(database, new_user()) for _ in range(6)]
    table = tables.practice_session
    async with database.engine.connect() as holder:
        await holder.execute(select(table.c.id).where(table.c.id == sessions[0].id).with_for_update())
        waiting, *others = [asyncio.create_task(submit(database, session)) for session in sessions]
        answered = await asyncio.gather(*others)
        await database.until_waiting(1)
        assert not waiting.done()
    assert [each.session.answer_count for each in [*answered, await waiting]] == [1] * 6
    assert lots == [6]


async def test_a_poisoned_call_fails_alone(database: Database, new_user: NewUser, lots: list[int]) -> None:
    """An account that is erased at this moment: the database refuses its rows, whatever brings them."""
    sessions = [await begin(database, new_user()) for _ in range(10)]
    async with database.engine.begin() as connection:
        erased = {"user_id": sessions[4].user_id, "request_id": "r"}
        await connection.execute(insert(tables.erased_user).values(erased))
    calls = (submit(database, each, key="k") for each in sessions)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert lots == [10]
    assert isinstance(outcomes.pop(4), AccountErasedError)
    assert [each.session.answer_count for each in outcomes if isinstance(each, Answered)] == [1] * 9
    for session in sessions[:4] + sessions[5:]:
        await check_whole(database, session, 1)
    await check_whole(database, sessions[4], 0)


async def test_a_key_that_cannot_be_stored_fails_alone(database: Database, new_user: NewUser) -> None:
    sessions = [await begin(database, new_user()) for _ in range(4)]
    calls = [submit(database, each, key="k\0" if each is sessions[0] else "") for each in sessions]
    bad, *good = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(bad, Exception)
    assert [each.session.answer_count for each in good if isinstance(each, Answered)] == [1] * 3
