"""The answers of many callers, on the tables in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service_kit.call import Call
from session_service.application.ports.answers import (
    AnswerBatch,
    ChangedSession,
    FoundSession,
    Mark,
    NothingWrittenError,
)
from session_service.domain.days import Calendar
from session_service.domain.errors import SessionNotFoundError
from session_service.domain.states import Change
from tests.session_service.memory.store import Store, items_of
from tests.session_service.memory.unit_of_work import FakeUnitOfWork


class FakeAnswerStore:
    """Implements ports.AnswerStore on what is committed. `locked` are sessions that somebody else holds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.locked: set[int] = set()
        self.broken = False
        self.lots: list[int] = []

    async def read(self, batches: Sequence[AnswerBatch]) -> Sequence[FoundSession | None]:
        self.lots.append(len(batches))
        return [self._find(batch) for batch in batches]

    def _find(self, batch: AnswerBatch) -> FoundSession | None:
        tables, call = self._store.committed, batch.call
        if call.request is not None and (call.user_id, call.request.key) in tables.keys:
            return None
        try:
            session = self._store.find(call.user_id, batch.ref, tables)
        except SessionNotFoundError:
            return None
        known = {
            sent: tables.answers[session.id, sent]
            for sent in batch.sent_ids
            if (session.id, sent) in tables.answers
        }
        items = {item.item: item for item in items_of(tables, session.id)}
        zone = tables.calendars.get(call.user_id, Calendar()).time_zone
        return FoundSession(session, tables.last_seq.get(call.user_id, 0), zone, known, items)

    async def write(self, changes: Sequence[ChangedSession], outcome_type: type[Any]) -> Mapping[int, Mark]:
        if self.broken:
            raise NothingWrittenError
        written = [each for each in changes if each.before.id not in self.locked]
        async with FakeUnitOfWork(self._store) as work:
            for change in written:
                await work.sessions.save(Change.ANSWERED, *change.versions)
                await work.sessions.add_answers(
                    change.versions[-1], change.answers, change.versions[-1].updated_at
                )
                await work.sessions.update_items(change.versions[-1], list(change.items.values()))
                if change.keyed is not None:
                    request, outcome = change.keyed
                    call = Call(change.before.user_id, request=request)
                    assert await work.idempotency.claim(call, outcome_type) is None
                    await work.idempotency.remember(call, outcome, outcome_type)
            await work.commit()
        tables, owners = self._store.committed, {each.before.id: each.before.user_id for each in written}
        return {
            number: (tables.last_seq.get(owner, 0), tables.calendars.get(owner, Calendar()).time_zone)
            for number, owner in owners.items()
        }
