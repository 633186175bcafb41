"""Drafts of a moment are written together, and what a process remembers of them is proved by the write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from service_kit.call import Call, enter_call, reached
from service_kit.errors import ConflictError
from session_service.adapters.db.combined import CombinedStatements
from session_service.adapters.db.drafts import SqlDraftStore
from session_service.application.ports.drafts import DraftChange
from session_service.application.ports.sessions import SessionRef
from session_service.domain.drafts import read_draft
from session_service.domain.errors import EtagMismatchError, SessionEndedError
from session_service.domain.practice_session import PracticeSession
from tests.session_service.database import Database

Keyed = Callable[..., Call]


@pytest.fixture
def lots(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many changes each lot has."""
    sizes: list[int] = []
    write = CombinedStatements.write

    async def note(statements: CombinedStatements, statement: str, columns: Any) -> Any:
        sizes.append(len(columns[0]))
        return await write(statements, statement, columns)

    monkeypatch.setattr(CombinedStatements, "write", note)
    return sizes


async def save(
    database: Database, user_id: int, ref: SessionRef, content: str, **fields: Any
) -> PracticeSession:
    return await database.use.save_draft(
        fields.pop("call", Call(user_id)), ref, read_draft(content), **fields
    )


async def stored(database: Database, user_id: int, ref: SessionRef) -> str:
    return (await database.use.get_draft(Call(user_id), ref)).content


async def test_a_key_saves_one_draft_of_two_at_once(database: Database, user_id: int, keyed: Keyed) -> None:
    one, two = await database.started(user_id), await database.started(user_id)
    for ref in (one, two):
        await save(database, user_id, ref, "{}")
    outcomes = await asyncio.gather(
        save(database, user_id, one, '{"of": 1}', call=keyed("same", body="1")),
        save(database, user_id, two, '{"of": 2}', call=keyed("same", body="2")),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, ConflictError) for outcome in outcomes) == 1
    texts = [await stored(database, user_id, ref) for ref in (one, two)]
    assert texts.count("{}") == 1


async def test_drafts_of_a_moment_are_one_lot_and_each_has_its_own_outcome(
    database: Database, new_user: Callable[[], int], lots: list[int], keyed: Keyed
) -> None:
    people = [new_user() for _ in range(24)]
    refs = {user_id: await database.started(user_id) for user_id in people}
    for user_id in people:
        await save(database, user_id, refs[user_id], "{}")
    ended, same, repeated, *rest = people
    await database.use.abandon_session(Call(ended), refs[ended])
    lots.clear()
    call = keyed()
    again = Call(repeated, request=call.request)

    outcomes = await asyncio.gather(
        *(save(database, each, refs[each], f'{{"of": {each}}}') for each in rest),
        save(database, same, refs[same], '{"of": 1}'),
        save(database, same, refs[same], '{"of": 2}'),
        save(database, repeated, refs[repeated], '{"of": 3}', call=again),
        save(database, repeated, refs[repeated], '{"of": 3}', call=again),
        save(database, ended, refs[ended], '{"of": 4}'),
        return_exceptions=True,
    )

    # Of two who save the same session one is written with the others.
    assert lots[0] == len(people)
    assert isinstance(outcomes[-1], SessionEndedError)
    saved = [each for each in outcomes[:-1] if isinstance(each, PracticeSession)]
    assert len(saved) == len(outcomes) - 1
    for session, user_id in zip(saved, rest, strict=False):
        assert (session.user_id, session.version) == (user_id, 3)
        assert await stored(database, user_id, refs[user_id]) == f'{{"of": {user_id}}}'
        assert await database.count("journal", session_id=session.id) == 2
    first, second = sorted(saved[-4:-2], key=lambda session: session.version)
    assert (first.version, second.version) == (3, 4)
    assert read_draft(await stored(database, same, refs[same])).content_hash == second.draft_hash
    assert saved[-2] == saved[-1]
    assert await database.column("practice_session", "version", user_id=repeated) == [3]
    assert await stored(database, ended, refs[ended]) == "{}"


async def test_a_text_that_cannot_be_stored_fails_alone(
    database: Database, new_user: Callable[[], int], lots: list[int]
) -> None:
    store = SqlDraftStore(database.connections, database.told)
    changes = []
    for content in ('{"a": 1}', "\x00", '{"a": 2}'):
        user_id = new_user()
        ref = await database.started(user_id)
        found = await store.read(Call(user_id), ref)
        assert found is not None
        after = found.session.with_values(version=2, draft_hash=content)
        changes.append((Call(user_id), DraftChange(found.session, after, content, None)))
    lots.clear()

    written = await asyncio.gather(*(store.write(*each, PracticeSession) for each in changes))

    # Nothing of the lot was written: each is saved by itself then, as whatever cannot be combined.
    assert (lots, written) == ([3], [None] * 3)
    for call, change in changes:
        alone = await store.write(call, change, PracticeSession)
        assert (alone is None) == (change.content == "\x00")


async def test_what_another_process_saved_is_neither_overlooked_nor_lost(
    database: Database, other: Database, user_id: int
) -> None:
    ref = await database.started(user_id)
    mine = await save(database, user_id, ref, '{"a": 1}', reported=1)
    await save(other, user_id, ref, '{"b": 1}', reported=2)

    with pytest.raises(EtagMismatchError):
        await save(database, user_id, ref, '{"c": 1}', base_hash=mine.draft_hash)
    # The same text as this process saved, which is not the stored one any more.
    saved = await save(database, user_id, ref, '{"a": 1}')

    assert (saved.version, saved.draft_hash) == (4, mine.draft_hash)
    assert await stored(other, user_id, ref) == '{"a": 1}'
    await other.use.abandon_session(Call(user_id), ref)
    with pytest.raises(SessionEndedError):
        await save(database, user_id, ref, '{"a": 1}')
    assert await database.count("journal", session_id=ref.id) == 4


async def test_who_is_remembered_is_told_how_far_their_events_are(database: Database, user_id: int) -> None:
    ended = await database.started(user_id)
    ref = await database.started(user_id, "focus")
    await save(database, user_id, ref, "{}")
    await database.use.abandon_session(Call(user_id), ended)
    enter_call(Call(user_id))
    await save(database, user_id, ref, "{}")
    assert reached() == 1
