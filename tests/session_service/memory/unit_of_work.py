"""Transactions on the tables in memory: what was not committed is undone."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from service_kit.call import Call
from service_kit.errors import ConflictError
from session_service.application.ports.readers import JournalEntry
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.domain.answers import RecordedAnswer
from session_service.domain.days import Calendar, RolloverTurn
from session_service.domain.errors import EtagMismatchError
from session_service.domain.events import Event
from session_service.domain.items import SessionItem
from session_service.domain.learner import CalendarChange, Learner
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change
from session_service.offline.domain import SyncedItem
from session_service.offline.ports import EndedSession
from tests.session_service.memory.store import Store, Tables, items_of, learner_of, summary_of

_EVER = datetime.min.replace(tzinfo=UTC)


class FakeUnitOfWork:
    """Works on a copy of the tables that a commit puts in their place."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __aenter__(self) -> FakeUnitOfWork:
        await self._store.serial.acquire()
        self._store.in_transaction = True
        self._work = copy.deepcopy(self._store.committed)
        self.sessions = FakeSessions(self._store, self._work)
        self.synced = FakeSyncedItems(self.sessions, self._work)
        self.learners = FakeLearners(self._work)
        self.outbox = FakeOutbox(self._work)
        self.idempotency = FakeIdempotency(self._work)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._store.in_transaction = False
        self._store.serial.release()

    async def commit(self) -> None:
        self._store.committed = copy.deepcopy(self._work)
        self._store.commits += 1


class FakeSessions:
    """Implements ports.Sessions with the constraints of the real tables."""

    def __init__(self, store: Store, tables: Tables) -> None:
        self._store = store
        self._tables = tables

    async def add(self, session: PracticeSession) -> PracticeSession | None:
        if session.open_slot and await self.lock_open(session.user_id, session.open_slot):
            return None
        numbered = replace(session, id=len(self._tables.sessions) + 1)
        self._tables.sessions[numbered.id] = numbered
        return numbered

    async def lock(self, user_id: int, ref: SessionRef) -> PracticeSession:
        return self._store.find(user_id, ref, self._tables)

    async def lock_open(self, user_id: int, open_slot: str) -> PracticeSession | None:
        for session in self._tables.sessions.values():
            if session.user_id == user_id and session.open_slot == open_slot:
                return session
        return None

    async def save(self, change: Change, *versions: PracticeSession) -> None:
        for session in versions:
            if self._tables.sessions[session.id].version != session.version - 1:
                raise EtagMismatchError(session.etag)
            self._tables.sessions[session.id] = session
            entry = JournalEntry(
                sequence=session.version,
                change=change,
                at=session.updated_at,
                state=session.state,
                answer_count=session.answer_count,
                correct_answer_count=session.correct_answer_count,
                elapsed_seconds=session.elapsed_at(session.updated_at),
                item_count=session.item_count,
                answered_item_count=session.answered_item_count,
                mastered_item_count=session.mastered_item_count,
                right_run=session.right_run,
            )
            self._tables.journal.setdefault(session.id, []).append(entry)

    async def add_items(self, session: PracticeSession, items: Sequence[SessionItem]) -> None:
        for item in items:
            self._tables.items[session.id, item.position] = item

    async def items(self, session: PracticeSession, items: Iterable[str]) -> Mapping[str, SessionItem]:
        wanted = set(items)
        return {item.item: item for item in items_of(self._tables, session.id) if item.item in wanted}

    async def update_items(self, session: PracticeSession, items: Sequence[SessionItem]) -> None:
        for item in items:
            assert self._tables.items[session.id, item.position].item == item.item
            self._tables.items[session.id, item.position] = item

    async def next_item(self, session: PracticeSession) -> SessionItem | None:
        waiting = [item for item in items_of(self._tables, session.id) if not item.attempt_count]
        return waiting[0] if waiting else None

    async def answers(
        self, session: PracticeSession, answer_ids: Iterable[str]
    ) -> Mapping[str, RecordedAnswer]:
        stored = {wanted: self._tables.answers.get((session.id, wanted)) for wanted in answer_ids}
        return {answer_id: answer for answer_id, answer in stored.items() if answer is not None}

    async def add_answers(
        self, session: PracticeSession, answers: Sequence[RecordedAnswer], at: datetime
    ) -> None:
        for answer in answers:
            assert (session.id, answer.answer_id) not in self._tables.answers, "a unique constraint"
            self._tables.answers[session.id, answer.answer_id] = answer
        of_session = [number for number, _ in self._tables.answers if number == session.id]
        assert len(of_session) == session.answer_count, "answers are numbered up to the session's count"

    async def summary(self, user_id: int, product: str) -> Summary:
        return summary_of(self._tables, user_id, product)

    async def open_count(self, user_id: int) -> int:
        return sum(each.user_id == user_id and each.state.is_open for each in self._tables.sessions.values())

    async def conversation_bytes(self, user_id: int) -> int:
        return sum(each.message_bytes for each in self._tables.sessions.values() if each.user_id == user_id)

    async def put_draft(self, session: PracticeSession, content: str) -> None:
        self._store.draft_writes += 1
        self._tables.drafts[session.id] = (content, session.draft_hash)

    async def add_message(self, session: PracticeSession, message: Message) -> None:
        lines = self._tables.messages.setdefault(session.id, [])
        assert message.position == len(lines) + 1, "a primary key"
        lines.append(message)


class FakeSyncedItems:
    """Implements ports.SyncedItems."""

    def __init__(self, sessions: FakeSessions, tables: Tables) -> None:
        self._sessions = sessions
        self._tables = tables

    async def find(self, user_id: int, client_ids: Iterable[str]) -> Mapping[str, SyncedItem]:
        mine = {each: self._tables.synced.get((user_id, each)) for each in client_ids}
        return {client_id: item for client_id, item in mine.items() if item is not None}

    async def add(self, user_id: int, items: Sequence[SyncedItem]) -> None:
        for item in items:
            assert (user_id, item.client_id) not in self._tables.synced, "a primary key"
            self._tables.synced[user_id, item.client_id] = item

    async def add_sessions(self, ended: Sequence[EndedSession]) -> Sequence[PracticeSession]:
        stored = []
        for each in ended:
            assert each.session.ended_at is not None
            session = await self._sessions.add(each.session)
            assert session is not None
            await self._sessions.add_answers(session, each.answers, session.updated_at)
            await self._sessions.add_items(session, each.items)
            stored.append(session)
        return stored


class FakeLearners:
    """Implements ports.Learners."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def calendar(self, user_id: int) -> Calendar:
        return self._tables.calendars.get(user_id, Calendar())

    async def next_seq(self, user_id: int) -> tuple[int, Calendar]:
        self._tables.last_seq[user_id] = self._tables.last_seq.get(user_id, 0) + 1
        return self._tables.last_seq[user_id], await self.calendar(user_id)

    async def take_seqs(self, user_id: int, count: int) -> None:
        self._tables.last_seq[user_id] = self._tables.last_seq.get(user_id, 0) + count

    async def find(self, user_id: int) -> Learner:
        return learner_of(self._tables, user_id)

    async def lock(self, user_id: int) -> Learner:
        return learner_of(self._tables, user_id)

    async def rollover_turns(self, user_id: int) -> Sequence[RolloverTurn]:
        told = [change for change in self._tables.calendar_changes if change.user_id == user_id]
        # What a test put in force without a change has always been.
        always = [] if told else [RolloverTurn(_EVER, (await self.calendar(user_id)).rollover_hour)]
        return [*always, *(RolloverTurn(each.effective_at, each.calendar.rollover_hour) for each in told)]

    async def put_in_force(self, change: CalendarChange) -> CalendarChange:
        stored = replace(change, id=len(self._tables.calendar_changes) + 1)
        self._tables.calendar_changes.append(stored)
        self._tables.calendars[change.user_id] = change.calendar
        self._tables.sign_ups[change.user_id] = change.signed_up_at
        self._tables.last_seq[change.user_id] = change.user_seq
        return stored


class FakeOutbox:
    """Implements ports.Outbox."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, *events: Event) -> None:
        for event in events:
            assert event.event_id not in {earlier.event_id for earlier in self._tables.outbox}, (
                "a primary key"
            )
            self._tables.outbox.append(event)


class FakeIdempotency:
    """Implements Idempotency; outcomes go through JSON as they do in a database."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def claim(self, call: Call, outcome_type: type[Any]) -> Any:
        request = call.request
        if request is None:
            return None
        earlier = self._tables.keys.setdefault((call.user_id, request.key), (request, None))
        if earlier[0] != request:
            raise ConflictError("used before", reason="IDEMPOTENCY_KEY_REUSED", key=request.key)
        return None if earlier[1] is None else TypeAdapter(outcome_type).validate_json(earlier[1])

    async def remember(self, call: Call, outcome: Any, outcome_type: type[Any]) -> None:
        if call.request is not None:
            stored = TypeAdapter(outcome_type).dump_json(outcome)
            self._tables.keys[call.user_id, call.request.key] = (call.request, stored)
