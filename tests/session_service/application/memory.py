"""A database in memory: what was not committed is undone."""

from __future__ import annotations

import asyncio
import builtins
import copy
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from service_kit.call import Call, RequestIdentity
from service_kit.errors import ConflictError
from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.reading import History, JournalEntry, Report, SessionSelection
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.application.ports.synced_items import EndedSession, SyncedItem
from session_service.domain.answers import RecordedAnswer
from session_service.domain.days import Calendar, RolloverTurn
from session_service.domain.errors import EtagMismatchError, SessionNotFoundError
from session_service.domain.events import Event
from session_service.domain.items import SessionItem
from session_service.domain.learner import CalendarChange, Learner
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State

_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class Tables:
    """What a database would hold."""

    sessions: dict[int, PracticeSession] = field(default_factory=dict)
    answers: dict[tuple[int, str], RecordedAnswer] = field(default_factory=dict)
    drafts: dict[int, tuple[str, str]] = field(default_factory=dict)
    items: dict[tuple[int, int], SessionItem] = field(default_factory=dict)
    messages: dict[int, list[Message]] = field(default_factory=dict)
    journal: dict[int, list[JournalEntry]] = field(default_factory=dict)
    calendars: dict[int, Calendar] = field(default_factory=dict)
    calendar_changes: list[CalendarChange] = field(default_factory=list)
    sign_ups: dict[int, datetime | None] = field(default_factory=dict)
    last_seq: dict[int, int] = field(default_factory=dict)
    outbox: list[Event] = field(default_factory=list)
    synced: dict[tuple[int, str], SyncedItem] = field(default_factory=dict)
    keys: dict[tuple[int, str], tuple[RequestIdentity, Any]] = field(default_factory=dict)


class Store:
    """The committed tables, one transaction at a time, and a count of commits."""

    def __init__(self) -> None:
        self.committed = Tables()
        self.commits = 0
        self.in_transaction = False
        self.serial = asyncio.Lock()
        self.draft_writes = 0

    def find(self, user_id: int, ref: SessionRef, tables: Tables) -> PracticeSession:
        session = tables.sessions.get(ref.id)
        if session is None or (ref.product and session.product != ref.product):
            raise SessionNotFoundError(ref.id)
        if session.user_id != user_id:
            raise SessionNotFoundError(ref.id, foreign=True)
        return session


def items_of(tables: Tables, session_id: int) -> list[SessionItem]:
    """Returns a session's picked items in their order."""
    return [item for (of, _), item in sorted(tables.items.items()) if of == session_id]


def changes_of(tables: Tables, user_id: int) -> list[CalendarChange]:
    """Returns a user's changes of calendar, newest first."""
    return [change for change in reversed(tables.calendar_changes) if change.user_id == user_id]


def learner_of(tables: Tables, user_id: int) -> Learner:
    """Returns what is known of a user."""
    newest = next(iter(changes_of(tables, user_id)), None)
    return Learner(
        user_id=user_id,
        last_seq=tables.last_seq.get(user_id, 0),
        calendar=tables.calendars.get(user_id, Calendar()),
        effective_at=newest.effective_at if newest else None,
        signed_up_at=tables.sign_ups.get(user_id),
    )


def summary_of(tables: Tables, user_id: int, product: str) -> Summary:
    """Returns the figures over a user's sessions of a product."""
    mine = [each for each in tables.sessions.values() if (each.user_id, each.product) == (user_id, product)]
    completed = [session for session in mine if session.state is State.COMPLETED]
    return Summary(len(mine), len(completed), sum(session.elapsed_seconds for session in completed))


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

    async def add_items(self, session_id: int, items: Sequence[SessionItem]) -> None:
        for item in items:
            self._tables.items[session_id, item.position] = item

    async def items(self, session_id: int, items: Iterable[str]) -> Mapping[str, SessionItem]:
        wanted = set(items)
        return {item.item: item for item in items_of(self._tables, session_id) if item.item in wanted}

    async def update_items(self, session_id: int, items: Sequence[SessionItem]) -> None:
        for item in items:
            assert self._tables.items[session_id, item.position].item == item.item
            self._tables.items[session_id, item.position] = item

    async def next_item(self, session_id: int) -> SessionItem | None:
        waiting = [item for item in items_of(self._tables, session_id) if not item.attempt_count]
        return waiting[0] if waiting else None

    async def answers(self, session_id: int, answer_ids: Iterable[str]) -> Mapping[str, RecordedAnswer]:
        stored = {wanted: self._tables.answers.get((session_id, wanted)) for wanted in answer_ids}
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

    async def known(self, user_id: int, client_ids: Iterable[str]) -> Mapping[str, SyncedItem]:
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
            await self._sessions.add_items(session.id, each.items)
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
        assert change.user_seq is not None
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


class FakeReaders:
    """Implements ports.Readers on what is committed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, user_id: int, ref: SessionRef) -> PracticeSession:
        return self._store.find(user_id, ref, self._store.committed)

    async def active(self, user_id: int, product: str, content: str) -> PracticeSession | None:
        states = frozenset({State.ACTIVE, State.PAUSED})
        selection = SessionSelection(user_id=user_id, product=product, content=content, states=states)
        return next(iter(await self.list(selection)), None)

    async def items(self, session_id: int) -> Sequence[SessionItem]:
        return items_of(self._store.committed, session_id)

    async def report(self, user_id: int, ref: SessionRef) -> tuple[PracticeSession, Report]:
        session = await self.get(user_id, ref)
        answers = [answer for (of, _), answer in self._store.committed.answers.items() if of == ref.id]
        told = [answer.time_taken for answer in answers if answer.time_taken is not None]
        went = {answer.item: SessionItem(0, answer.item, "") for answer in answers}
        for answer in answers:
            went[answer.item] = went[answer.item].answered(
                correct=answer.correct, correct_answer=answer.correct_answer
            )
        return session, Report(list(went.values()), sum(told) / len(told) if told else None)

    async def summary(self, user_id: int, product: str) -> Summary:
        return summary_of(self._store.committed, user_id, product)

    async def count(self, selection: SessionSelection) -> int:
        return len(await self._selected(selection))

    async def learner_mark(self, user_id: int) -> LearnerMark:
        tables = self._store.committed
        return LearnerMark(tables.last_seq.get(user_id, 0), tables.calendars.get(user_id, Calendar()))

    async def history(self, selection: SessionSelection) -> History:
        mark = await self.learner_mark(selection.user_id)
        return History(await self.list(selection), await self.count(selection), mark)

    async def list(self, selection: SessionSelection) -> Sequence[PracticeSession]:
        found = await self._selected(selection)
        return found[selection.offset :][: selection.limit]

    async def _selected(self, selection: SessionSelection) -> builtins.list[PracticeSession]:
        found = [
            session
            for session in self._store.committed.sessions.values()
            if session.user_id == selection.user_id
            and session.product == (selection.product or session.product)
            and session.content == (selection.content or session.content)
            and (not selection.states or session.state in selection.states)
        ]
        return sorted(found, key=lambda session: -session.id)

    async def draft(self, session_id: int) -> tuple[str, str] | None:
        return self._store.committed.drafts.get(session_id)

    async def messages(self, session_id: int, after: int, limit: int) -> Sequence[Message]:
        return self._store.committed.messages.get(session_id, [])[after : after + limit]

    async def journal(self, session_id: int, after: int) -> Sequence[JournalEntry]:
        entries = self._store.committed.journal.get(session_id, [])
        return [entry for entry in entries if entry.sequence > after]

    async def ended(self, user_id: int, after_session_id: int) -> AsyncIterator[PracticeSession]:
        for number, session in sorted(self._store.committed.sessions.items()):
            if number > after_session_id and session.ended_at and user_id in (0, session.user_id):
                yield session


class FakeCalendarReaders:
    """Implements ports.CalendarReaders on what is committed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def learner(self, user_id: int, changes: int) -> tuple[Learner, Sequence[CalendarChange]]:
        tables = self._store.committed
        return learner_of(tables, user_id), changes_of(tables, user_id)[:changes]

    async def told(self, user_id: int) -> AsyncIterator[CalendarChange]:
        for change in self._store.committed.calendar_changes:
            if user_id in (0, change.user_id):
                yield change
