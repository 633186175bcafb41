"""The starts of many callers, on the tables in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from service_kit.call import Call
from session_service.application.ports.answers import NothingWrittenError
from session_service.application.ports.changes import FoundPlace, SessionStart
from session_service.application.ports.learners import LearnerMark
from tests.session_service.memory.store import Store, Tables, learner_of
from tests.session_service.memory.unit_of_work import FakeUnitOfWork
from tests.session_service.products import FakeProducts


class FakeStartStore:
    """Implements ports.StartStore on what is committed. `starting` are who begin a session elsewhere."""

    def __init__(self, store: Store, products: FakeProducts) -> None:
        self._store = store
        self._products = products
        self.starting: set[int] = set()
        self.broken = False
        self.lots: list[int] = []

    async def read(self, asked: Sequence[tuple[Call, str]]) -> Sequence[FoundPlace | None]:
        self.lots.append(len(asked))
        tables = self._store.committed
        first = len(tables.sessions) + 1
        return [self._find(tables, *each, number) for number, each in enumerate(asked, start=first)]

    async def write(self, starts: Sequence[SessionStart]) -> Collection[int]:
        if self.broken:
            raise NothingWrittenError
        written = []
        async with FakeUnitOfWork(self._store) as work:
            for start in starts:
                session = start.session
                if session.user_id in self.starting:
                    continue
                stored = await work.sessions.add(session)
                if stored is None:
                    continue
                assert stored.id == session.id, "numbers are taken in order here"
                await work.sessions.add_items(stored, start.items)
                if start.keyed is not None:
                    request, outcome, outcome_type = start.keyed
                    call = Call(session.user_id, request=request)
                    assert await work.idempotency.claim(call, outcome_type) is None
                    await work.idempotency.remember(call, outcome, outcome_type)
                written.append(session.id)
            await work.commit()
        return written

    def _find(self, tables: Tables, call: Call, product: str, number: int) -> FoundPlace | None:
        mine = [each for each in tables.sessions.values() if each.user_id == call.user_id]
        learner = learner_of(tables, call.user_id)
        used = call.request is not None and (call.user_id, call.request.key) in tables.keys
        if used or product not in {each.product for each in mine} or call.user_id not in tables.last_seq:
            return None
        mark = LearnerMark(learner.last_seq, learner.calendar)
        open_count = sum(each.state.is_open for each in mine)
        return FoundPlace(number, self._products.newest[product], mark, len(mine), open_count)
