"""Both services in memory, for what reconciles them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from stats_service.reconciliation.ports import (
    EventDigest,
    Events,
    ExpectedDigest,
    Fact,
    Finding,
    Request,
    Run,
    StoredDigest,
    Whom,
)

ALL = Request(Whom.ALL)


def xor(events: Events, through: int) -> tuple[int, int]:
    """How many events there are up to a place, and their digest."""
    digests = [event.digest for event in events.values() if event.user_seq <= through]
    total = 0
    for digest in digests:
        total ^= digest
    return len(digests), total


@dataclass
class World:
    """Both services, and what was done, in order. Implements every port."""

    happened: dict[int, dict[UUID, EventDigest]] = field(default_factory=dict)
    stored: dict[int, dict[UUID, EventDigest]] = field(default_factory=dict)
    unsettled: dict[int, int] = field(default_factory=dict)
    erased_there: set[int] = field(default_factory=set)
    erased_here: set[int] = field(default_factory=set)
    rejected: set[UUID] = field(default_factory=set)
    page: int = 2
    held_page: int = 100
    looked_among: list[tuple[int, int] | None] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    done: list[tuple[Any, ...]] = field(default_factory=list)
    found: dict[int, Finding] = field(default_factory=dict)
    examined: list[int] = field(default_factory=list)
    progress: dict[int, int] = field(default_factory=dict)
    spared: set[int] = field(default_factory=set)
    free: bool = True
    failure: Exception | None = None

    def learner(self, user_id: int, events: int = 3) -> list[UUID]:
        """Makes a learner whose facts are whole."""
        ids = [uuid4() for _ in range(events)]
        known = {event_id: EventDigest(seq, event_id.int >> 65) for seq, event_id in enumerate(ids, 1)}
        self.happened[user_id] = known
        self.stored[user_id] = dict(known)
        return ids

    def run(self, request: Request = ALL, *, on_demand: bool = False) -> Run:
        self.runs.append(Run(uuid4(), request, on_demand, 0))
        return self.runs[-1]

    # The session service.

    def digests(self, request: Request, after_user_id: int) -> Sequence[ExpectedDigest]:
        if self.failure:
            raise self.failure
        users = [user for user in sorted(self.happened) if user > after_user_id]
        if request.user_ids:
            users = [user for user in users if user in request.user_ids]
        found = [self.digest_of(request, user) for user in users[: self.page]]
        return [each for each in found if each]

    def digest_of(self, request: Request, user_id: int) -> ExpectedDigest | None:
        events = self.happened.get(user_id)
        if not events or user_id in self.erased_there:
            return None
        last = max(event.user_seq for event in events.values())
        through = last - self.unsettled.get(user_id, 0)
        return ExpectedDigest(user_id, last, through, *xor(events, through))

    def list_events(self, user_id: int) -> Events | None:
        return None if user_id in self.erased_there else self.happened.get(user_id, {})

    def republish(self, user_id: int, seqs: Sequence[int]) -> None:
        self.done.append(("republished", user_id, tuple(seqs)))

    # The stats service.

    @contextmanager
    def alone(self, errand: str) -> Iterator[bool]:
        yield self.free

    def start_due(self, *, recent_seconds: float, nightly_hour: int) -> None:
        self.done.append(("due", recent_seconds, nightly_hour))

    def next_run(self) -> Run | None:
        return self.runs[0] if self.runs else None

    def advance(self, run_id: UUID, position: int, compared: int) -> None:
        self.runs[0] = Run(run_id, self.runs[0].request, self.runs[0].on_demand, position)
        self.done.append(("advanced", position, compared))

    def finish(self, run_id: UUID) -> None:
        assert self.runs.pop(0).run_id == run_id

    def fail(self, run_id: UUID, reason: str, *, counted: bool) -> None:
        self.done.append(("failed", reason, counted))

    def read_digests(
        self, told: Sequence[ExpectedDigest], beside: tuple[int, int] | None
    ) -> Sequence[StoredDigest]:
        settled = {each.user_id: each.settled_through for each in told}
        users = {
            user for user in self.stored if user in settled or (beside and beside[0] <= user <= beside[1])
        }
        return [
            StoredDigest(
                user,
                max(fact.user_seq for fact in self.stored[user].values()),
                *xor(self.stored[user], settled.get(user, 0)),
            )
            for user in users
            if self.stored[user]
        ]

    def facts(self, user_id: int, seqs: Sequence[int] | None = None) -> Any:
        """The facts of a learner; with places, what the session service tells of them."""
        if seqs is not None:
            return [(user_id, seq) for seq in seqs]
        if not self.examined or self.examined[-1] != user_id:
            self.examined.append(user_id)
        return dict(self.stored.get(user_id, {}))

    def find_refused(self, event_ids: Collection[UUID]) -> Collection[UUID]:
        return self.rejected & set(event_ids)

    def find_doubtful(self, user_ids: Sequence[int], among: tuple[int, int] | None) -> Sequence[int]:
        raise AssertionError("whoever corrects progress asks")

    def note(self, run_id: UUID, user_id: int, finding: Finding) -> bool:
        if user_id in self.erased_here:
            return False
        self.done.append(("noted", user_id))
        self.found[user_id] = finding
        return True

    # What corrects.

    def correct_facts(self, user_id: int, facts: Sequence[Fact]) -> int:
        for event_id, known in self.happened[user_id].items():
            if (user_id, known.user_seq) in facts:  # type: ignore[comparison-overlap]
                self.stored[user_id][event_id] = known
        return len(facts)

    def correct_progress(
        self, user_ids: Sequence[int], among: tuple[int, int] | None, *, deep: bool, but: Collection[int]
    ) -> Iterator[tuple[int, int]]:
        self.spared |= set(but)
        self.looked_among.append(among)
        for user in sorted(self.progress):
            if user in user_ids:
                yield user, self.progress.pop(user)

    def end_of_page(self, after: int, last: int) -> int:
        beyond = [user for user in sorted(self.stored) if after < user <= last][self.held_page :]
        return beyond[0] - 1 if beyond else last
