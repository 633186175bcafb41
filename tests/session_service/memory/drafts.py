"""Drafts with their sessions, on the tables in memory."""

from __future__ import annotations

from typing import Any

from service_kit.call import Call
from session_service.application.ports.drafts import DraftChange, FoundDraft
from session_service.application.ports.sessions import SessionRef
from session_service.domain.drafts import StoredDraft, text_digest
from session_service.domain.errors import SessionNotFoundError
from session_service.domain.states import Change
from tests.session_service.memory.store import Store
from tests.session_service.memory.unit_of_work import FakeUnitOfWork


class FakeDraftStore:
    """Implements ports.DraftStore on what is committed; `taken` while others change each session first."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.taken = False

    def recall(self, call: Call, ref: SessionRef) -> FoundDraft | None:
        return None

    async def read(self, call: Call, ref: SessionRef) -> FoundDraft | None:
        tables = self._store.committed
        try:
            session = self._store.find(call.user_id, ref, tables)
        except SessionNotFoundError:
            return None
        draft = None
        if session.id in tables.drafts:
            content, content_hash = tables.drafts[session.id]
            draft = StoredDraft(content_hash, text_digest(content_hash, content.encode()))
        repeated = call.request is not None and (call.user_id, call.request.key) in tables.keys
        return FoundDraft(session, draft, repeated)

    async def write(self, call: Call, change: DraftChange, outcome_type: type[Any]) -> int | None:
        if self.taken or self._store.committed.sessions[change.before.id] != change.before:
            return None
        async with FakeUnitOfWork(self._store) as work:
            assert await work.idempotency.claim(call, outcome_type) is None
            if change.content is not None:
                await work.sessions.put_draft(change.after, change.content)
            await work.sessions.save(Change.DRAFT_SAVED, change.after)
            await work.idempotency.remember(call, change.after, outcome_type)
            await work.commit()
        return self._store.committed.last_seq.get(call.user_id, 0)
