"""Compares facts with what the session service says happened, and heals what differs.

The session service is asked first and the facts are read after: an event that
it counts as settled, and that is no fact then, did not arrive. Nothing is
taken away: an event that is missing is delivered again the usual way, which
counts it once, and a fact that nobody knows of is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from service_kit.errors import AccountErasedError, UnavailableError
from service_kit.logging import get_logger
from stats_service.application.ports.learners import RefusedError
from stats_service.reconciliation.correct import CorrectFacts, CorrectProgress
from stats_service.reconciliation.ports import (
    Alone,
    EventRecord,
    ExpectedDigest,
    Finding,
    ReconciliationStore,
    Run,
    StoredDigest,
    Whom,
)

ERRAND = "reconcile"
LAST_USER = 2**63 - 1

log = get_logger(__name__)


class Reconcile:
    """Works on runs, page by page of learners."""

    def __init__(
        self,
        store: ReconciliationStore,
        events: EventRecord,
        alone: Alone,
        correct_facts: CorrectFacts,
        correct_progress: CorrectProgress,
        *,
        recent_seconds: float,
        nightly_hour: int,
        budget_seconds: float = 8.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Learners with recent events are compared every `recent_seconds`, everybody at `nightly_hour` UTC.

        With 0 seconds, only runs on demand are worked on. Nothing is begun after the budget.
        """
        self._store = store
        self._events = events
        self._alone = alone
        self._correct_facts = correct_facts
        self._correct_progress = correct_progress
        self._recent_seconds = recent_seconds
        self._nightly_hour = nightly_hour
        self._budget = budget_seconds
        self._monotonic = monotonic

    def __call__(self) -> bool:
        """Goes on with the oldest run for about the budget; tells whether something is left.

        Raises UnavailableError when a part is in the way. Idempotent: killed
        anywhere and called again, it goes on where it was.
        """
        stop = self._monotonic() + self._budget
        with self._alone.alone(ERRAND) as mine:
            if not mine:
                # The process that is at it sees what is left.
                return False
            if self._recent_seconds:
                self._store.start_due(recent_seconds=self._recent_seconds, nightly_hour=self._nightly_hour)
            while run := self._store.next_run():
                if not self._work_on(run, stop):
                    return True
        return False

    def _work_on(self, run: Run, stop: float) -> bool:
        """Tells whether the run is finished."""
        try:
            position: int | None = run.position
            while position is not None:
                if self._monotonic() > stop:
                    return False
                position = self._page(run, position, stop)
            self._store.finish(run.run_id)
        except UnavailableError as error:
            self._store.fail(run.run_id, error.message, counted=False)
            raise
        except Exception as error:
            self._store.fail(run.run_id, f"{type(error).__name__}: {error}", counted=True)
            raise
        log.info("reconciled", run=str(run.run_id), whom=run.request.whom.value)
        return True

    def _page(self, run: Run, after: int, stop: float) -> int | None:
        """Compares the next learners; returns the number to go on after, None when nobody is left."""
        told = self._events.digests(run.request, after)
        last = told[-1].user_id if told else LAST_USER
        if run.request.whom is Whom.ALL:
            # There may be many of whom the session service knows nothing.
            last = self._store.end_of_page(after, last)
            told = [each for each in told if each.user_id <= last]
        beside = (after + 1, last) if run.request.whom is Whom.ALL else None
        unheard = {
            user: ExpectedDigest(user, 0, 0, 0, 0) for user in run.request.user_ids if after < user <= last
        }
        expected = {**unheard, **{each.user_id: each for each in told}}
        held = {each.user_id: each for each in self._store.read_digests(list(expected.values()), beside)}
        different = who_differs(expected, held)
        lacking = {user for user in different if lacks(expected.get(user), held.get(user))}
        for user, rows in self._correct_progress(list(expected), beside, deep=run.request.deep, but=lacking):
            if rows:
                self._store.note(run.run_id, user, Finding(progress_rows=rows))
            if self._monotonic() > stop:
                # It got on: whoever was put right is not among the wrong the next time.
                self._store.advance(run.run_id, after, 0)
                return after
        for place, user in enumerate(different):
            if place and self._monotonic() > stop:
                reached = different[place - 1]
                self._store.advance(run.run_id, reached, sum(each.user_id <= reached for each in told))
                return reached
            self._heal(run, user)
        self._store.advance(run.run_id, last, len(told))
        return last if last < LAST_USER else None

    def _heal(self, run: Run, user_id: int) -> None:
        before = self._store.facts(user_id)
        settled = self._events.digest_of(run.request, user_id)
        listed = self._events.list_events(user_id)
        if listed is None:
            # Erased there, and on the way to be erased here.
            return
        facts = self._store.facts(user_id)
        through = settled.settled_through if settled else 0
        missing = {
            event_id: event.user_seq
            for event_id, event in listed.items()
            if event.user_seq <= through and event_id not in facts
        }
        changed = [
            event.user_seq
            for event_id, event in listed.items()
            if event_id in facts and facts[event_id].digest != event.digest
        ]
        orphans = sum(event_id not in listed for event_id in before)
        welcome, refused = self._welcome(run, missing)
        corrected, hopeless = self._correct(user_id, changed)
        finding = Finding(tuple(welcome), refused + hopeless, corrected, orphans)
        # Noted first: a worker that is killed in between leaves a record of what was begun.
        if finding.anything and self._store.note(run.run_id, user_id, finding):
            log.warning(
                "reconciliation_found",
                user_id=user_id,
                missing=len(missing),
                refused=finding.refused,
                corrected=corrected,
                orphans=orphans,
            )
            if welcome:
                self._events.republish(user_id, sorted(welcome.values()))

    def _welcome(self, run: Run, missing: Mapping[UUID, int]) -> tuple[Mapping[UUID, int], int]:
        """Returns what is worth publishing again, and how many events are not.

        What was refused for good would be refused again until somebody mends
        the cause and asks for a run.
        """
        if run.on_demand or not missing:
            return missing, 0
        refused = self._store.find_refused(missing.keys())
        welcome = {event_id: seq for event_id, seq in missing.items() if event_id not in refused}
        return welcome, len(missing) - len(welcome)

    def _correct(self, user_id: int, seqs: Sequence[int]) -> tuple[int, int]:
        """Returns how many facts were corrected, and how many cannot be."""
        if not seqs:
            return 0, 0
        try:
            return self._correct_facts(user_id, self._events.facts(user_id, seqs)), 0
        except AccountErasedError:
            return 0, 0
        except RefusedError as error:
            log.error("fact_not_corrected", user_id=user_id, reason=str(error))
            return 0, len(seqs)


def who_differs(told: Mapping[int, ExpectedDigest], held: Mapping[int, StoredDigest]) -> Sequence[int]:
    """Returns the learners whose facts are not what was told, in order.

    Learners with facts beyond the last event that was told are among them; the
    facts may just be newer than the answer.
    """
    return sorted(user for user in told.keys() | held.keys() if _differs(told.get(user), held.get(user)))


def lacks(told: ExpectedDigest | None, held: StoredDigest | None) -> bool:
    """Tells whether a learner has fewer facts than was told."""
    return told is not None and told.count > (held.count if held else 0)


def _differs(told: ExpectedDigest | None, held: StoredDigest | None) -> bool:
    if told is None:
        return held is not None
    if held is None:
        return told.count > 0
    return (told.count, told.digest) != (held.count, held.digest) or held.last_seq > told.last_seq
