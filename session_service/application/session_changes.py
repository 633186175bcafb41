"""Pauses, resumes and ends sessions: with those of other callers of the moment, or alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from service_kit.call import Call, reach
from service_kit.combiner import Combiner
from service_kit.logging import get_logger
from service_kit.once import once
from service_kit.request_ids import current_request_id
from session_service.application.end_session import end_session
from session_service.application.ports.answers import NothingWrittenError
from session_service.application.ports.changes import (
    AskedSession,
    ChangeStore,
    FoundSession,
    SessionChange,
)
from session_service.application.ports.clock import Clock
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.events import SessionEnded
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State

log = get_logger(__name__)

# For outcomes that have no summary.
_NOT_SUMMED = Summary(0, 0, 0)

Outcome = TypeVar("Outcome")
# Returns the session as it is afterwards, itself when nothing changes. Raises what the rules refuse with.
Rule = Callable[[PracticeSession, datetime], PracticeSession]
# The same of what was found; None for what needs a transaction of its own.
_Judge = Callable[[FoundSession, datetime], PracticeSession | None]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one call wants, and the outcome that is kept under its key; `summed` if with a summary."""

    call: Call
    ref: SessionRef
    kind: Change
    judge: _Judge
    outcome_of: Callable[[PracticeSession, Summary], Any]
    outcome_type: type[Any]
    request_id: str
    summed: bool = False
    doubted: bool = False

    @property
    def session(self) -> AskedSession:
        """What is to be read; the figures of an end that is summed up are not remembered."""
        recalled = self.kind is Change.ENDED and not self.summed and not self.doubted
        return AskedSession(self.call, self.ref, self.summed, recalled)


class SessionChanges:
    """Makes the changes of all callers of a moment with one read and one write.

    What is not plain has a transaction of its own: repeats, sessions that are
    locked or not the caller's, whatever the rules refuse, a learner's first
    end and one that brings another zone. So one caller's error is that
    caller's alone, and nobody waits for a session of somebody else.

    What was judged by a remembered session is told only where the session was
    written; all else comes once more, and then the session is read.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, store: ChangeStore, clock: Clock, most: int = 64
    ) -> None:
        self._unit_of_work = unit_of_work
        self._store = store
        self._clock = clock
        self._combine = Combiner(self._make, most=most)

    async def change(self, call: Call, ref: SessionRef, kind: Change, rule: Rule) -> PracticeSession:
        """Returns the session after a change. Idempotent by the call's key. Raises as the rule does."""

        async def command(work: UnitOfWork) -> PracticeSession:
            session = await work.sessions.lock(call.user_id, ref)
            changed = rule(session, self._clock())
            if changed is not session:
                await work.sessions.save(kind, changed)
            return changed

        def judge(found: FoundSession, now: datetime) -> PracticeSession | None:
            return rule(found.session, now)

        asked = _Asked(
            call, ref, kind, judge, lambda changed, _: changed, PracticeSession, current_request_id()
        )
        return await self._do(asked, PracticeSession, command)

    async def end(
        self,
        call: Call,
        ref: SessionRef,
        outcome: State,
        *,
        outcome_type: type[Outcome],
        outcome_of: Callable[[PracticeSession], Outcome],
        reported: int | None = None,
        etag: str = "",
    ) -> Outcome:
        """Ends a session, and returns what is made of it; that is kept under the call's key.

        `reported` is in seconds. Raises SessionNotFoundError and what the end is refused with.
        """
        return await self._end(
            call,
            ref,
            outcome,
            outcome_type=outcome_type,
            outcome_of=lambda ended, _: outcome_of(ended),
            reported=reported,
            etag=etag,
        )

    async def end_and_sum_up(
        self,
        call: Call,
        ref: SessionRef,
        outcome: State,
        *,
        outcome_type: type[Outcome],
        outcome_of: Callable[[PracticeSession, Summary], Outcome],
        reported: int | None = None,
    ) -> Outcome:
        """Does so with the figures of its product, this end included, and nothing that comes after it."""
        return await self._end(
            call,
            ref,
            outcome,
            outcome_type=outcome_type,
            outcome_of=outcome_of,
            reported=reported,
            summed=True,
        )

    async def _end(
        self,
        call: Call,
        ref: SessionRef,
        outcome: State,
        *,
        outcome_type: type[Outcome],
        outcome_of: Callable[[PracticeSession, Summary], Outcome],
        reported: int | None,
        etag: str = "",
        summed: bool = False,
    ) -> Outcome:
        async def command(work: UnitOfWork) -> Outcome:
            session = await work.sessions.lock(call.user_id, ref)
            session.expect(etag)
            ended = await end_session(work, call, session, outcome, now=self._clock(), reported=reported)
            summary = await work.sessions.summary(ended.user_id, ended.product) if summed else _NOT_SUMMED
            return outcome_of(ended, summary)

        def judge(found: FoundSession, now: datetime) -> PracticeSession | None:
            found.session.expect(etag)
            learner = found.learner
            if learner is None or call.brings_zone(learner.calendar.time_zone):
                return None
            return found.session.end(
                outcome,
                user_seq=learner.last_seq + 1,
                calendar=learner.calendar,
                now=now,
                reported=reported,
            )

        request_id = current_request_id()
        asked = _Asked(call, ref, Change.ENDED, judge, outcome_of, outcome_type, request_id, summed)
        return await self._do(asked, outcome_type, command)

    async def _do(
        self,
        asked: _Asked,
        outcome_type: type[Outcome],
        command: Callable[[UnitOfWork], Awaitable[Outcome]],
    ) -> Outcome:
        made = await self._combine(asked)
        if made is _DOUBTFUL:
            made = await self._combine(replace(asked, doubted=True))
        if made is None:
            return await once(self._unit_of_work, asked.call, outcome_type, command)
        reach(made.last_seq, made.time_zone)
        outcome: Outcome = made.outcome
        return outcome

    async def _make(self, asked: Sequence[_Asked]) -> Sequence[_Made | None]:
        try:
            found = await self._store.read([each.session for each in asked])
            lot = _Lot(self._clock())
            made = [lot.make(*each) for each in zip(asked, found, strict=True)]
            written = await self._store.write(lot.changes) if lot.changes else ()
        except NothingWrittenError as error:
            log.warning("changes_not_combined", calls=len(asked), error=repr(error.__cause__))
            return [None] * len(asked)
        left = {change.before.id for change in lot.changes}.difference(written)
        return [
            each
            if each is not None and each.session_id not in left
            else _DOUBTFUL
            if read is not None and read.remembered
            else None
            for each, read in zip(made, found, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Made:
    session_id: int
    outcome: Any
    last_seq: int
    time_zone: str | None


# Of what proves nothing.
_DOUBTFUL = _Made(0, None, 0, None)


class _Lot:
    """Changes that are made together: one of a session, one end of a learner, one with a key."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._taken: set[object] = set()
        self.changes: list[SessionChange] = []

    def make(self, asked: _Asked, found: FoundSession | None) -> _Made | None:
        """Returns what becomes of a call; None when it needs a transaction of its own."""
        if found is None:
            return None
        try:
            after = asked.judge(found, self._now)
        except Exception:
            # Of the rules or of ours: done alone it comes again, to its caller and to the log.
            return None
        read = found.summary if asked.summed else None
        if after is None or (asked.summed and read is None):
            return None
        summary = read.including(after) if read is not None else _NOT_SUMMED
        outcome, request = asked.outcome_of(after, summary), asked.call.request
        before = found.session
        last_seq, time_zone = (
            (found.learner.last_seq, found.learner.calendar.time_zone) if found.learner else (0, None)
        )
        if after is before:
            # Of a key that nothing was done with there would be no row.
            unkeyed = request is None and self._take(before.id)
            return _Made(before.id, outcome, last_seq, time_zone) if unkeyed else None
        ends = asked.kind is Change.ENDED
        if not self._take(
            before.id,
            *([("end", before.user_id)] if ends else ()),
            *([(before.user_id, request.key)] if request else ()),
        ):
            return None
        self.changes.append(
            SessionChange(
                asked.kind,
                before,
                after,
                SessionEnded.of(after) if ends else None,
                (request, outcome, asked.outcome_type) if request else None,
                asked.request_id,
                read,
            )
        )
        return _Made(after.id, outcome, after.user_seq if ends else last_seq, time_zone)

    def _take(self, *what: object) -> bool:
        """Takes what only one of a lot may have; tells whether all of it was free."""
        if not self._taken.isdisjoint(what):
            return False
        self._taken.update(what)
        return True
