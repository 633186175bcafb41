"""Puts right what is stored of learners: facts by what is told of them, progress by the facts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol
from uuid import UUID

from service_kit.errors import AccountErasedError
from service_kit.logging import get_logger
from stats_service.application.ingest import rederive
from stats_service.application.ports.learners import LearnerStore
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.derivation import derive
from stats_service.recalculation.ports import Scope, Shard, ShardSnapshot
from stats_service.recalculation.shards import who_differs
from stats_service.reconciliation.ports import Fact, ReconciliationStore

_NO_JOB = UUID(int=0)

log = get_logger(__name__)


class Snapshots(Protocol):
    """Where everybody's facts and progress are read without locks."""

    def snapshot(self, shard: Shard) -> AbstractContextManager[ShardSnapshot]:
        """Opens one moment of the database."""


class CorrectFacts:
    """Makes facts say what their events do."""

    def __init__(self, learners: LearnerStore) -> None:
        self._learners = learners

    def __call__(self, user_id: int, facts: Sequence[Fact]) -> int:
        """Corrects those of a learner's facts that say something else; returns how many.

        Raises AccountErasedError, RefusedError when another fact is in the way. Idempotent.
        """
        completions = [fact for fact in facts if isinstance(fact, Completion)]
        changes = [fact for fact in facts if isinstance(fact, CalendarChange)]
        with self._learners.work_on([user_id]) as work:
            stored: Mapping[UUID, Fact] = {
                **work.find([fact.event_id for fact in completions]),
                **work.find_changes([fact.event_id for fact in changes]),
            }
            wrong = [fact for fact in facts if stored.get(fact.event_id, fact) != fact]
            if wrong:
                work.correct(
                    [fact for fact in wrong if isinstance(fact, Completion)],
                    [fact for fact in wrong if isinstance(fact, CalendarChange)],
                )
                rederive(work)
                work.commit()
        if len(wrong) < len(facts):
            log.error("digests_disagree", user_id=user_id, facts=len(facts) - len(wrong))
        return len(wrong)


class CorrectProgress:
    """Makes progress what the facts say."""

    def __init__(self, store: ReconciliationStore, learners: LearnerStore, snapshots: Snapshots) -> None:
        self._store = store
        self._learners = learners
        self._snapshots = snapshots

    def __call__(
        self, user_ids: Sequence[int], among: tuple[int, int] | None, *, deep: bool, but: Collection[int]
    ) -> Iterator[tuple[int, int]]:
        """Derives anew those whose rows were changed other than by saving; yields each with the rows written.

        Each is committed before being yielded, so a caller may stop anywhere.
        With `deep`, everybody whose rows are not what the facts say is derived
        too, except `but`, whose facts are still to arrive. Idempotent.
        """
        learners = set(self._store.find_doubtful(user_ids, among))
        if deep:
            learners |= set(self._wrong(user_ids, among)) - set(but)
        for user in sorted(learners):
            try:
                with self._learners.work_on([user]) as work:
                    rows = rederive(work)
                    work.commit()
            except AccountErasedError:
                continue
            yield user, rows

    def _wrong(self, user_ids: Sequence[int], among: tuple[int, int] | None) -> Sequence[int]:
        if among is None and not user_ids:
            return []
        first, last = among or (min(user_ids), max(user_ids))
        scope = Scope() if among else Scope(user_ids=tuple(user_ids))
        with self._snapshots.snapshot(Shard(_NO_JOB, 0, first, last, scope, False, True)) as snapshot:
            evidence = snapshot.evidence()
        return who_differs(evidence, derive(evidence.facts, evidence.learners, evidence.catalogue))
