"""Ends practice sessions as completed or partial, and gathers what that led to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from service_kit.call import Call
from service_kit.errors import UnavailableError
from service_kit.logging import get_logger
from session_service.application.account_limits import AccountLimits
from session_service.application.ports.catalog import Catalog
from session_service.application.ports.readers import Readers
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.application.ports.statistics import Badge, Effects, Statistics, Streak
from session_service.application.ports.unit_of_work import UnitOfWorkFactory
from session_service.application.session_changes import SessionChanges
from session_service.domain.achievements import Achievement, find_achieved
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State

log = get_logger(__name__)

_UNKNOWN = Effects(Streak(0, 0), (), pending=True)


@dataclass(frozen=True, slots=True)
class Ended:
    """An ended session; `statistics_pending` while statistics do not include it yet."""

    session: PracticeSession
    statistics_pending: bool


class CompleteSession:
    """Ends a session and lets statistics know.

    The end is durable when this returns, whether or not statistics have
    caught up within their deadline. Idempotent by the call's key. Raises
    SessionNotFoundError, SessionEndedError, OutcomeNotAllowedError,
    ElapsedWentBackError, DurationOutOfRangeError, EtagMismatchError.
    """

    def __init__(self, changes: SessionChanges, statistics: Statistics, limits: AccountLimits) -> None:
        self._changes = changes
        self._statistics = statistics
        self._limits = limits

    async def __call__(
        self,
        call: Call,
        ref: SessionRef,
        *,
        outcome: State = State.COMPLETED,
        reported: int | None = None,
        etag: str = "",
    ) -> Ended:
        """Returns the ended session. `reported` is in seconds."""
        async with self._limits.completing(call, ref):
            session = await self._changes.end(
                call,
                ref,
                outcome,
                outcome_type=PracticeSession,
                outcome_of=lambda ended: ended,
                reported=reported,
                etag=etag,
            )
        caught_up = await self._statistics.caught_up(session.user_id, session.user_seq)
        return Ended(session, statistics_pending=not caught_up)


@dataclass(frozen=True, slots=True)
class Results:
    """What a completion led to.

    `missed_items` were answered wrong at least once, in the order first
    answered. `statistics_pending` when the streak is without this completion
    but for the day that it adds at least, and badges are not known yet.
    """

    streak: Streak
    achievements: list[Achievement]
    badges: list[Badge]
    missed_items: list[str]
    statistics_pending: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is kept under the request's key; without results until they were told."""

    session: PracticeSession
    results: Results | None = None


class CompleteWithResults:
    """Ends a session as completed and gathers its results.

    The end is durable before anything is gathered: statistics that are late
    or away, or a catalog that is, change what is told and never whether the
    session is completed. Idempotent by the call's key, results included.
    Raises SessionNotFoundError, SessionEndedError.
    """

    def __init__(
        self,
        changes: SessionChanges,
        unit_of_work: UnitOfWorkFactory,
        readers: Readers,
        catalog: Catalog,
        statistics: Statistics,
        *,
        limits: AccountLimits,
    ) -> None:
        self._changes = changes
        self._unit_of_work = unit_of_work
        self._readers = readers
        self._catalog = catalog
        self._statistics = statistics
        self._limits = limits

    async def __call__(self, call: Call, ref: SessionRef) -> tuple[PracticeSession, Results]:
        """Returns the completed session and its results."""
        async with self._limits.completing(call, ref):
            outcome = await self._changes.end(
                call, ref, State.COMPLETED, outcome_type=_Outcome, outcome_of=_Outcome
            )
        if outcome.results is not None:
            return outcome.session, outcome.results
        results = await self._gather(outcome.session)
        if call.request is not None:
            async with self._unit_of_work() as work:
                await work.idempotency.remember(call, _Outcome(outcome.session, results), _Outcome)
                await work.commit()
        return outcome.session, results

    async def _gather(self, session: PracticeSession) -> Results:
        effects, definitions, (_, report) = await asyncio.gather(
            self._effects(session),
            self._definitions(session.product),
            self._readers.report(session.user_id, SessionRef(session.id)),
        )
        return Results(
            streak=_add_today(effects.streak) if effects.pending else effects.streak,
            achievements=find_achieved(session, definitions),
            badges=list(effects.badges),
            missed_items=[item.item for item in report.items if not item.mastered],
            statistics_pending=effects.pending,
        )

    async def _effects(self, session: PracticeSession) -> Effects:
        try:
            return await self._statistics.effects(session)
        except UnavailableError:
            log.warning("statistics_away", session_id=session.id)
            return _UNKNOWN

    async def _definitions(self, product: str) -> Sequence[Achievement]:
        try:
            return await self._catalog.achievements(product)
        except UnavailableError:
            log.warning("achievements_unknown", product=product)
            return ()


def _add_today(streak: Streak) -> Streak:
    """Returns the least that a streak can be once it includes a completion of today."""
    current = max(1, streak.current)
    return Streak(current, max(current, streak.best))


@dataclass(frozen=True, slots=True)
class SummedUp:
    """An ended session and the figures over its product's sessions, this end included."""

    session: PracticeSession
    summary: Summary


class CompleteWithSummary:
    """Ends a session and tells the figures as they are at that moment.

    One user's ends follow one another, so of ends at the same instant each
    sees those before it and itself. Idempotent by the call's key, figures
    included. Raises SessionNotFoundError, SessionEndedError,
    OutcomeNotAllowedError, DurationOutOfRangeError.
    """

    def __init__(self, changes: SessionChanges, statistics: Statistics) -> None:
        self._changes = changes
        self._statistics = statistics

    async def __call__(self, call: Call, ref: SessionRef, *, outcome: State, reported: int) -> SummedUp:
        """Returns the ended session and the figures. `reported` is in seconds."""
        summed_up = await self._changes.end_and_sum_up(
            call, ref, outcome, outcome_type=SummedUp, outcome_of=SummedUp, reported=reported
        )
        await self._statistics.caught_up(summed_up.session.user_id, summed_up.session.user_seq)
        return summed_up
