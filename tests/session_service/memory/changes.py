"""The changes of many callers, on the tables in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from service_kit.call import Call
from session_service.application.ports.answers import NothingWrittenError
from session_service.application.ports.changes import AskedSession, FoundSession, SessionChange
from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.sessions import SessionRef
from session_service.domain.errors import SessionNotFoundError
from tests.session_service.memory.store import Store, learner_of, summary_of
from tests.session_service.memory.unit_of_work import FakeUnitOfWork


class FakeChangeStore:
    """Implements ports.ChangeStore on what is committed. `locked` are sessions that somebody else holds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.locked: set[int] = set()
        self.broken = False
        self.lots: list[int] = []

    async def read(self, asked: Sequence[AskedSession]) -> Sequence[FoundSession | None]:
        self.lots.append(len(asked))
        return [self._find(each.call, each.ref) for each in asked]

    def _find(self, call: Call, ref: SessionRef) -> FoundSession | None:
        tables = self._store.committed
        if call.request is not None and (call.user_id, call.request.key) in tables.keys:
            return None
        try:
            session = self._store.find(call.user_id, ref, tables)
        except SessionNotFoundError:
            return None
        learner = learner_of(tables, call.user_id)
        known = call.user_id in {*tables.last_seq, *tables.calendars}
        return FoundSession(
            session,
            LearnerMark(learner.last_seq, learner.calendar) if known else None,
            summary_of(tables, call.user_id, session.product),
        )

    async def write(self, changes: Sequence[SessionChange]) -> Collection[int]:
        if self.broken:
            raise NothingWrittenError
        written = [each for each in changes if each.before.id not in self.locked]
        async with FakeUnitOfWork(self._store) as work:
            for change in written:
                await work.sessions.save(change.kind, change.after)
                if change.event is not None:
                    assert (await work.learners.next_seq(change.after.user_id))[0] == change.after.user_seq
                    await work.outbox.add(change.event)
                if change.keyed is not None:
                    request, outcome, outcome_type = change.keyed
                    call = Call(change.before.user_id, request=request)
                    assert await work.idempotency.claim(call, outcome_type) is None
                    await work.idempotency.remember(call, outcome, outcome_type)
            await work.commit()
        return [each.before.id for each in written]
