"""Reads of the tables in memory."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Sequence

from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.readers import History, JournalEntry, Report, SessionSelection
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.domain.days import Calendar
from session_service.domain.drafts import Draft
from session_service.domain.items import SessionItem
from session_service.domain.learner import CalendarChange, Learner
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State
from tests.session_service.memory.store import Store, changes_of, items_of, learner_of, summary_of


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

    async def items(self, user_id: int, session_id: int) -> Sequence[SessionItem]:
        return items_of(self._store.committed, session_id)

    async def report(self, user_id: int, ref: SessionRef) -> tuple[PracticeSession, Report]:
        session = await self.get(user_id, ref)
        answers = [answer for (of, _), answer in self._store.committed.answers.items() if of == ref.id]
        told = [answer.time_taken for answer in answers if answer.time_taken is not None]
        went = {answer.item: SessionItem(0, answer.item, "") for answer in answers}
        for answer in answers:
            went[answer.item] = went[answer.item].record_answer(
                correct=answer.correct, correct_answer=answer.correct_answer
            )
        return session, Report(list(went.values()), sum(told) / len(told) if told else None)

    async def summary(self, user_id: int, product: str) -> Summary:
        return summary_of(self._store.committed, user_id, product)

    async def learner_mark(self, user_id: int) -> LearnerMark:
        tables = self._store.committed
        return LearnerMark(tables.last_seq.get(user_id, 0), tables.calendars.get(user_id, Calendar()))

    async def history(self, selection: SessionSelection) -> History:
        mark = await self.learner_mark(selection.user_id)
        return History(await self.list(selection), len(await self._selected(selection)), mark)

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

    async def draft(self, user_id: int, session_id: int) -> Draft | None:
        found = self._store.committed.drafts.get(session_id)
        return Draft(*found) if found else None

    async def messages(self, user_id: int, session_id: int, after: int, limit: int) -> Sequence[Message]:
        return self._store.committed.messages.get(session_id, [])[after : after + limit]

    async def journal(self, user_id: int, session_id: int, after: int) -> Sequence[JournalEntry]:
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

    async def changes(self, user_id: int) -> AsyncIterator[CalendarChange]:
        for change in self._store.committed.calendar_changes:
            if user_id in (0, change.user_id):
                yield change
