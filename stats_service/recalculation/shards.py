"""Brings a shard of learners to what their facts say, while they go on practising.

First everybody's progress is derived from one moment of the database and
compared, without a lock. Those who differ, and nobody else, are then derived
anew under their locks from what is there by then, as a live completion does
it: so whatever happens in between is neither lost nor counted twice, and
running a shard again, or half of it, changes nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from uuid import UUID

import numpy as np

from service_kit.errors import AccountErasedError, UnavailableError
from service_kit.logging import get_logger
from stats_service.application.ingest import rederive
from stats_service.application.ports.learners import Difference, LearnerStore
from stats_service.domain.derivation import derive
from stats_service.domain.derived import Derived, select_learners
from stats_service.domain.digest import digests, kinds_of
from stats_service.domain.facts import Facts, Ints, distinct
from stats_service.recalculation.ports import (
    ClaimedShard,
    Digests,
    Evidence,
    Outcome,
    Shard,
    ShardSnapshot,
    ShardStore,
    Summed,
    UserDifference,
)

log = get_logger(__name__)


class RecalculateShard:
    """Runs shards."""

    def __init__(
        self,
        shards: ShardStore,
        learners: LearnerStore,
        *,
        chunk_learners: int = 200,
        chunk_completions: int = 5_000,
        budget_seconds: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Learners are corrected in chunks, whose locks are held together; none is begun after the budget."""
        self._shards = shards
        self._learners = learners
        self._chunk_learners = chunk_learners
        self._chunk_completions = chunk_completions
        self._budget = budget_seconds
        self._monotonic = monotonic

    def __call__(self, job_id: UUID, number: int) -> bool:
        """Runs a shard unless it is done, cancelled or being run; tells whether some of it is left.

        Raises UnavailableError when the database is in the way. Idempotent.
        """
        with self._shards.claim(job_id, number) as claimed:
            if claimed is None:
                return False
            try:
                outcome = self._run(claimed)
            except UnavailableError as error:
                claimed.fail(error.message)
                raise
            except Exception as error:
                claimed.fail(f"{type(error).__name__}: {error}")
                raise
            claimed.conclude(outcome)
        return not outcome.finished

    def _run(self, claimed: ClaimedShard) -> Outcome:
        shard = claimed.shard
        stop = self._monotonic() + self._budget
        with self._shards.snapshot(shard) as snapshot:
            unsaved = snapshot.unsaved()
            if unsaved is None:
                evidence = snapshot.evidence()
                derived = derive(evidence.facts, evidence.learners, evidence.catalogue)
                outcome = Outcome(learners=_learners(evidence), completions=len(evidence.facts))
                if shard.shadow:
                    self._compare(snapshot, evidence, derived, outcome)
                    return outcome
                wrong = who_differs(evidence, derived)
                counts = _counts(evidence.facts, wrong)
            else:
                # Nothing is there to compare with: everybody is derived once, under their lock.
                wrong, counts = unsaved
                outcome = Outcome(learners=len(wrong), completions=sum(counts))
        self._correct(shard, wrong, counts, outcome, stop)
        return outcome

    def _compare(
        self, snapshot: ShardSnapshot, evidence: Evidence, derived: Derived, outcome: Outcome
    ) -> None:
        assert evidence.stored is not None, "a shadow compares the rows themselves"
        wrong = who_is_stored_wrong(evidence.stored, derived)
        for start in range(0, len(wrong), self._chunk_learners):
            chunk = wrong[start : start + self._chunk_learners]
            add_differences(snapshot.differences(chunk, select_learners(derived, chunk)), outcome)

    def _correct(
        self, shard: Shard, wrong: Sequence[int], counts: Sequence[int], outcome: Outcome, stop: float
    ) -> None:
        for chunk in self._chunks(wrong, counts):
            if self._monotonic() > stop:
                outcome.finished = False
                return
            try:
                with self._learners.work_on(chunk) as work:
                    outcome.changed_rows += rederive(work)
                    work.commit()
            except AccountErasedError:
                # All of them are: there is nothing to derive from, and nothing that could be stored.
                continue
            outcome.wrong += len(chunk)
        log.info("shard_recalculated", job=str(shard.job_id), shard=shard.number, wrong=len(wrong))

    def _chunks(self, users: Sequence[int], counts: Sequence[int]) -> Iterator[Sequence[int]]:
        """Yields learners together, each with so many completions, whose locks are not held for long."""
        chunk: list[int] = []
        completions = 0
        for user, count in zip(users, counts, strict=True):
            if chunk and (
                len(chunk) == self._chunk_learners or completions + count > self._chunk_completions
            ):
                yield chunk
                chunk, completions = [], 0
            chunk.append(user)
            completions += count
        if chunk:
            yield chunk


def who_differs(evidence: Evidence, derived: Derived) -> Sequence[int]:
    """Returns the learners whose progress is not what was derived, in order.

    By the rows themselves if they were read, and by what was saved.
    """
    right = digests(kinds_of(derived))
    # Somebody of whom nothing at all was saved has no row of their own either.
    never = np.setdiff1d(distinct(evidence.facts.user), np.union1d(evidence.saved[0], evidence.unknown))
    found = [never, evidence.unknown, _unlike(right, evidence.saved)]
    if evidence.stored is not None:
        found.append(_unlike(right, evidence.stored))
    users: list[int] = np.unique(np.concatenate(found)).tolist()
    return users


def _counts(facts: Facts, users: Sequence[int]) -> Sequence[int]:
    starts = np.searchsorted(facts.user, users)
    counts: list[int] = (np.searchsorted(facts.user, users, side="right") - starts).tolist()
    return counts


def who_is_stored_wrong(stored: Digests, derived: Derived) -> Sequence[int]:
    """Returns the learners whose stored rows are not what was derived, in order."""
    users: list[int] = _unlike(digests(kinds_of(derived)), stored).tolist()
    return users


def _learners(evidence: Evidence) -> int:
    known = (distinct(evidence.facts.user), evidence.saved[0], evidence.unknown)
    return len(np.unique(np.concatenate(known)))


def _unlike(right: Digests, told: Digests) -> Ints:
    """Returns those of some learners whose digests, 0 where there is none, are not the same."""
    learners = np.union1d(right[0], told[0])
    return np.asarray(learners[_digests_of(learners, right) != _digests_of(learners, told)])


def _digests_of(learners: Ints, told: Digests) -> Ints:
    spread = np.zeros(len(learners), np.int64)
    spread[np.searchsorted(learners, told[0])] = told[1]
    return spread


# Of a shard; what is summed is of everybody.
MOST_LEARNERS_LISTED = 100
MOST_ROWS_LISTED = 10


def add_differences(differences: Sequence[Difference], outcome: Outcome) -> None:
    """Adds the differences of some learners, of whom nothing was told before."""
    by_user = sorted(differences, key=lambda each: each.user_id)
    for user, rows in groupby(by_user, key=lambda each: each.user_id):
        mine = list(rows)
        outcome.wrong += 1
        for table in {row.table for row in mine}:
            outcome.summed.setdefault(table, Summed()).learners += 1
        for row in mine:
            _add(row, outcome.summed[row.table])
        if len(outcome.differences) < MOST_LEARNERS_LISTED:
            outcome.differences.append(UserDifference(user, len(mine), mine[:MOST_ROWS_LISTED]))


def _add(row: Difference, summed: Summed) -> None:
    summed.missing += row.stored is None
    summed.surplus += row.derived is None
    summed.changed += row.stored is not None and row.derived is not None
    for name, off in _off(row.stored or {}, row.derived or {}).items():
        summed.sums[name] = summed.sums.get(name, 0) + off


def _off(stored: Mapping[str, object], derived: Mapping[str, object]) -> Mapping[str, int]:
    """Returns by how much what can be added up is more than it should be."""
    names = [name for name in stored.keys() | derived.keys() if name.endswith(("_count", "_seconds"))]
    return {name: _number(stored.get(name)) - _number(derived.get(name)) for name in sorted(names)}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
