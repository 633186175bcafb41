"""Learners and badges as a stats database takes them in, with a model in plain Python of what it was told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.engines import open_async_engine
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.badges import open_badge_publication
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.adapters.db.personal_data import open_personal_data
from stats_service.adapters.db.streaks import open_streak_work
from stats_service.application.badge_commands import LoadBadgeDefinitions
from stats_service.application.ingest import Applied, ApplyCalendarChanges, ApplyCompletions, Delivery
from stats_service.domain.badges import BadgeContent, BadgeVersion
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.facts import LearnerFacts
from stats_service.domain.protection import Entry
from tests.stats_service.adapters.db.badges import Requests
from tests.stats_service.adapters.db.stored import Through
from tests.stats_service.domain.conditions import compiled
from tests.stats_service.domain.plain import Told, plain

Fact = Completion | CalendarChange


@dataclass(frozen=True)
class Database:
    """A database of the test's own, and what works on it."""

    engine: Engine
    reading: AsyncEngine
    store: SqlLearnerStore
    runner: asyncio.Runner

    @classmethod
    @contextmanager
    def opened(cls, engine: Engine, url: str) -> Iterator[Database]:
        """Opens what the engine lacks, for the duration of a block."""
        with asyncio.Runner() as runner:
            reading = open_async_engine(url, pool_size=1, application="test")
            yield cls(engine, reading, SqlLearnerStore(engine, compile_condition), runner)
            runner.run(reading.dispose())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Waits for what is asynchronous."""
        return self.runner.run(work)


@dataclass
class Known:
    """What was taken in of a learner."""

    facts: dict[UUID, Completion] = field(default_factory=dict)
    changes: dict[UUID, CalendarChange] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    @property
    def everything(self) -> list[Fact]:
        """Completions and changes of calendar."""
        return [*self.facts.values(), *self.changes.values()]

    def take_in(self, fact: Fact) -> None:
        """Remembers a fact."""
        if isinstance(fact, Completion):
            self.facts[fact.event_id] = fact
        else:
            self.changes[fact.event_id] = fact

    @property
    def through(self) -> Through:
        """What the learner's row says of these facts."""
        places = {fact.user_seq for fact in self.everything}
        complete = next(number for number in range(len(places) + 1) if number + 1 not in places)
        if not self.facts:
            return (complete, "UTC", 0, None)
        last = max(self.facts.values(), key=lambda fact: fact.moment)
        return (complete, last.time_zone, last.rollover_hour, last.end_time)


class World:
    """Three learners, of whom one who is erased makes room for another; facts on their way; badges."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.learners = [1, 2, 3]
        self.known = {user: Known() for user in self.learners}
        self.waiting: list[Fact] = []
        self.badges: dict[str, list[tuple[BadgeContent, datetime | None]]] = {}
        self._places: Counter[int] = Counter()
        self._numbers = 0

    def new_id(self, drawn: UUID) -> UUID:
        """Returns an id that orders like the drawn one, and is nobody else's."""
        self._numbers += 1
        return UUID(int=drawn.int >> 32 << 32 | self._numbers)

    def happen(self, new: Sequence[tuple[int, Fact]]) -> None:
        """Gives facts their places in the sequences of the learners there are, to arrive some time."""
        for index, fact in new:
            user = self.learners[index]
            self._places[user] += 1
            numbers: dict[str, Any] = {"user_id": user, "user_seq": self._places[user]}
            event_id = self.new_id(fact.event_id)
            if isinstance(fact, Completion):
                numbers["session_id"] = self._numbers
            self.waiting.append(replace(fact, event_id=event_id, **numbers))

    def deliver(self, batch: Sequence[Fact]) -> Applied[Any]:
        """Applies a batch of either kind; returns what became of both together."""
        ended = [Delivery(b"payload", fact) for fact in batch if isinstance(fact, Completion)]
        turned = [Delivery(b"payload", fact) for fact in batch if isinstance(fact, CalendarChange)]
        one = ApplyCompletions(self.database.store)(ended)
        other = ApplyCalendarChanges(self.database.store)(turned)
        return Applied(
            one.new + other.new,
            one.repeated + other.repeated,
            one.rejected + other.rejected,
            one.failed + other.failed,
            [*one.postponed, *other.postponed],
        )

    def record(self, user: int, entry: Entry) -> None:
        """Records what keeps a learner's streaks."""

        async def recorded() -> Entry:
            async with open_streak_work(self.database.reading)(user) as work:
                entry_as_recorded = await work.record(entry)
                await work.commit()
                return entry_as_recorded

        self.known[user].entries.append(self.database.run(recorded()))

    def publish(self, content: BadgeContent, until: datetime) -> None:
        """Publishes a badge; the version before is replaced at `until`, in the time of the facts."""
        publication = open_badge_publication(self.database.reading)
        self.database.run(LoadBadgeDefinitions(publication, Requests(), compile_condition)([content]))
        versions = self.badges.setdefault(content.badge_id, [])
        if versions and versions[-1][0] == content:
            return
        if versions:
            versions[-1] = (versions[-1][0], until)
            replaced = text(
                "UPDATE stats.badge_definition SET replaced_at = :until"
                " WHERE badge_id = :badge_id AND version = :version"
            )
            with self.database.engine.begin() as connection:
                values = {"until": until, "badge_id": content.badge_id, "version": len(versions)}
                connection.execute(replaced, values)
        versions.append((content, None))

    def was_active(self, badge_id: str) -> bool:
        """Tells whether any version of a badge could ever be earned."""
        return any(content.state == "active" for content, _ in self.badges.get(badge_id, ()))

    def erase(self, index: int) -> None:
        """Erases one of the learners, and has another take the place."""
        user = self.learners[index]
        erasing = open_personal_data(self.database.reading).erase(user, f"request-{user}")
        self.database.run(erasing)
        del self.known[user]
        self.learners[index] = max(*self.learners, *self._places) + 1
        self.known[self.learners[index]] = Known()

    def expected(self) -> Told:
        """Returns what everything that was taken in adds up to."""
        versions = [
            BadgeVersion(
                badge_id=badge_id,
                version=number,
                condition=compiled(content.condition),
                first_day=content.first_day,
                last_day=content.last_day,
                until=until,
            )
            for badge_id, published in self.badges.items()
            for number, (content, until) in enumerate(published, start=1)
            if content.state == "active"
        ]
        expected = Told()
        for known in self.known.values():
            learner = LearnerFacts(list(known.changes.values()), known.entries)
            expected |= plain(known.facts.values(), learner, versions)
        expected.frozen = {key: days for key, days in expected.frozen.items() if days}
        return expected
