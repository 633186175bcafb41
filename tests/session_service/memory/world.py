"""The outside of the use cases: neighbours, a clock, and a world that holds them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from service_kit.call import Call, RequestIdentity
from service_kit.errors import UnavailableError
from session_service.application.account_limits import AccountLimits
from session_service.application.ports.catalog import Content
from session_service.application.ports.statistics import DayOfPractice, Effects, Streak, Verdicts
from session_service.application.session_changes import SessionChanges
from session_service.application.start_session import CombinedStarts
from session_service.application.submit_answers import CombinedAnswers
from session_service.domain.achievements import Achievement
from session_service.domain.grading import AnswerKey
from session_service.domain.items import ContentItem
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change
from session_service.offline.use_cases import SyncSessions
from session_service.wiring import Ports
from tests.session_service.memory.answers import FakeAnswerStore
from tests.session_service.memory.changes import FakeChangeStore
from tests.session_service.memory.drafts import FakeDraftStore
from tests.session_service.memory.readers import FakeCalendarReaders, FakeReaders
from tests.session_service.memory.starts import FakeStartStore
from tests.session_service.memory.store import Store, Tables
from tests.session_service.memory.unit_of_work import FakeUnitOfWork
from tests.session_service.products import FakeProducts
from tests.session_service.use_cases import UseCases


class FakeCatalog:
    """Implements ports.Catalog; a call inside a transaction is a fault."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.contents = {"activities/123", "sequences/123", "problems/7", "problems/8"}
        self.keys = {
            f"{kind}/{number}": AnswerKey(f"{kind}/{number}", ("hable", "hablase"), "Subjunctive.")
            for kind in ("exercises", "words")
            for number in range(1, 6)
        }
        self.down = False

    async def answer_keys(self, items: Iterable[str]) -> Mapping[str, AnswerKey]:
        self._answer()
        return {item: self.keys[item] for item in items if item in self.keys}

    async def content(self, name: str) -> Content | None:
        self._answer()
        return Content(name, name.title(), "flashcards") if name in self.contents else None

    async def find_contents(self, names: Iterable[str]) -> Mapping[str, Content]:
        found = {name: await self.content(name) for name in names}
        return {name: content for name, content in found.items() if content is not None}

    async def content_items(self, content: str) -> Sequence[ContentItem]:
        self._answer()
        return [
            ContentItem(f"words/{number}", f"word {number}", frozenset({"easy" if number < 3 else "medium"}))
            for number in range(1, 6)
        ]

    async def achievements(self, product: str) -> Sequence[Achievement]:
        self._answer()
        return [Achievement("sharp", "accuracy", "Sharp", "Eighty percent.", "success_rate", 0.8)]

    def _answer(self) -> None:
        assert not self._store.in_transaction, "no network call inside of a transaction"
        if self.down:
            raise UnavailableError("The catalog does not answer", part="catalog")


class FakeStatistics:
    """Implements ports.Statistics; a call inside a transaction is a fault."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.late = False
        self.waited_for: list[tuple[int, int]] = []
        self.says: Verdicts | None = Verdicts(frozenset(), {})
        self.asked: list[Sequence[UUID]] = []
        self.standing = Effects(Streak(3, 5), (), pending=False)
        self.practised: list[DayOfPractice] = []
        self.down = False

    async def caught_up(self, user_id: int, user_seq: int) -> bool:
        assert not self._store.in_transaction, "no network call inside of a transaction"
        self.waited_for.append((user_id, user_seq))
        return not self.late

    async def effects(self, session: PracticeSession) -> Effects:
        self._answer()
        return self.standing

    async def streak(self, user_id: int, product: str, *, user_seq: int) -> Streak:
        self._wait(user_id, user_seq)
        self._answer()
        return self.standing.streak

    async def days(
        self, user_id: int, product: str, first: date, last: date, *, user_seq: int
    ) -> Sequence[DayOfPractice]:
        self._wait(user_id, user_seq)
        self._answer()
        return [each for each in self.practised if first <= each.day <= last]

    def _wait(self, user_id: int, user_seq: int) -> None:
        if user_seq:
            self.waited_for.append((user_id, user_seq))

    def _answer(self) -> None:
        assert not self._store.in_transaction, "no network call inside of a transaction"
        if self.down:
            raise UnavailableError("Statistics do not answer", part="stats")

    async def verdicts(self, event_ids: Sequence[UUID]) -> Verdicts | None:
        self.asked.append(event_ids)
        return self.says


class FakeSignals:
    """Implements ports.JournalSignals: each wait lets the next thing of a script happen."""

    def __init__(self) -> None:
        self.meanwhile: list[Callable[[], Any]] = []

    @contextmanager
    def watch(self, session_id: int) -> Iterator[FakeSignals]:
        yield self

    async def wait(self, version: int) -> None:
        assert self.meanwhile, "waits for what never comes"
        await self.meanwhile.pop(0)()


class FakeClock:
    """An instant that moves when it is told to."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Nowhere:
    """Stands for reads that are SQL alone, and tested on a database."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} needs a database")


class World:
    """The use cases on fakes, and what they left behind."""

    def __init__(self, now: datetime) -> None:
        self.store = Store()
        self.clock = FakeClock(now)
        self.catalog = FakeCatalog(self.store)
        self.statistics = FakeStatistics(self.store)
        self.signals = FakeSignals()
        self.products = FakeProducts(self.store)
        self.limits = AccountLimits(Nowhere(), FakeReaders(self.store))
        self.sync_sessions = self.sync_on(self.unit_of_work)
        self.answers = FakeAnswerStore(self.store)
        self.starts = FakeStartStore(self.store, self.products)
        self.changed = FakeChangeStore(self.store)
        self.drafts = FakeDraftStore(self.store)
        self.use = UseCases(
            Ports(
                unit_of_work=self.unit_of_work,
                combined_starts=CombinedStarts(self.starts),
                combined_answers=CombinedAnswers(self.answers, self.clock),
                changes=SessionChanges(self.unit_of_work, self.changed, self.clock),
                readers=FakeReaders(self.store),
                drafts=self.drafts,
                submissions=Nowhere(),
                workspaces=Nowhere(),
                calendars=FakeCalendarReaders(self.store),
                products=self.products,
                catalog=self.catalog,
                statistics=self.statistics,
                signals=self.signals,
                clock=self.clock,
                run_in_thread=asyncio.to_thread,
                limits=self.limits,
            )
        )

    def sync_on(self, unit_of_work: Callable[[], Any]) -> SyncSessions:
        return SyncSessions(
            unit_of_work,
            self.products,
            self.catalog,
            self.statistics,
            self.clock,
            max_age=timedelta(days=30),
            limits=self.limits,
        )

    def unit_of_work(self) -> FakeUnitOfWork:
        return FakeUnitOfWork(self.store)

    @property
    def tables(self) -> Tables:
        return self.store.committed

    def changes(self, session_id: int) -> list[Change]:
        return [entry.change for entry in self.tables.journal.get(session_id, [])]

    async def start(self, product: str, user_id: int = 5, **arguments: Any) -> PracticeSession:
        """A session started by a call without a key."""
        needed = {
            "portal": {"content": "activities/123"},
            "focus": {"planned_seconds": 1500},
            "design": {"content": "problems/7"},
        }
        arguments = {**needed.get(product, {}), **arguments}
        started = await self.use.start_session(Call(user_id), product=product, **arguments)
        return started.session


def keyed(key: str, asked: str = "this", user_id: int = 5) -> Call:
    """A call with an idempotency key; `asked` stands for the request's content."""
    return Call(user_id, request=RequestIdentity(key, "Method", asked.encode()))
