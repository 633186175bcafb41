"""Records answers in a practice session, or one as a session of its own."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service_kit.call import Call
from service_kit.once import once
from session_service.application.account_limits import AccountLimits
from session_service.application.end_session import end_session
from session_service.application.ports.catalog import Catalog
from session_service.application.ports.clock import Clock
from session_service.application.ports.products import Products
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.statistics import Statistics
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.answers import (
    AnswerResult,
    RecordedAnswer,
    SubmittedAnswer,
    count_answers,
    find_flaw,
    judge,
)
from session_service.domain.errors import ItemNotFoundError, ProductUnknownError, SessionAlreadyOpenError
from session_service.domain.grading import AnswerKey
from session_service.domain.items import SessionItem
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State


@dataclass(frozen=True, slots=True)
class Answered:
    """The results in the order sent, and the session after them.

    `next_item` is the first picked item without an answer.

    `statistics_pending` when this ended the session and statistics do not
    include it yet.
    """

    results: list[AnswerResult]
    session: PracticeSession
    next_item: SessionItem | None = None
    statistics_pending: bool = False


class SubmitAnswers:
    """Records answers: a unary call is a batch of one.

    Results are per answer, and an answer id seen before changes nothing: it
    is answered as it was, even after the session's end. Raises
    SessionNotFoundError, and SessionEndedError when an answer is new.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, catalog: Catalog, clock: Clock, limits: AccountLimits
    ) -> None:
        self._unit_of_work = unit_of_work
        self._catalog = catalog
        self._clock = clock
        self._limits = limits

    async def __call__(self, call: Call, ref: SessionRef, answers: Sequence[SubmittedAnswer]) -> Answered:
        """Returns what became of each answer."""
        keys = await self._catalog.answer_keys({answer.item for answer in answers})

        async def command(work: UnitOfWork) -> Answered:
            session = await work.sessions.lock(call.user_id, ref)
            return await record_answers(work, session, answers, keys, self._clock)

        async with self._limits.answering(call, ref, len(answers)):
            return await once(self._unit_of_work, call, Answered, command)


async def record_answers(
    work: UnitOfWork,
    session: PracticeSession,
    answers: Sequence[SubmittedAnswer],
    keys: Mapping[str, AnswerKey],
    clock: Clock,
) -> Answered:
    """Records the new ones among the answers in a locked session."""
    named = [replace(answer, answer_id=answer.answer_id or str(uuid.uuid4())) for answer in answers]
    # Ids made here are new; only those that clients made can be known.
    sent_ids = [answer.answer_id for answer in answers if answer.answer_id and find_flaw(answer) is None]
    known = dict(await work.sessions.answers(session, sent_ids)) if sent_ids else {}
    if any(answer.answer_id not in known for answer in named):
        session.must_be_open()
    picks = session.policy.picks_items
    picked = await work.sessions.items(session, {answer.item for answer in named}) if picks else {}
    allowed = {item: key for item, key in keys.items() if not picks or item in picked}
    results: list[AnswerResult] = []
    fresh: list[RecordedAnswer] = []
    for answer in named:
        result = judge(answer, known, allowed, session.policy)
        results.append(result)
        if result.recorded is not None and answer.answer_id not in known:
            known[answer.answer_id] = result.recorded
            fresh.append(result.recorded)
    if fresh:
        session = await _store(work, session, fresh, dict(picked), clock())
    return Answered(results, session, await work.sessions.next_item(session) if picks else None)


async def _store(
    work: UnitOfWork,
    session: PracticeSession,
    answers: Sequence[RecordedAnswer],
    picked: dict[str, SessionItem],
    now: datetime,
) -> PracticeSession:
    """Stores answers at once, each of them a version of the session."""
    versions = count_answers(session, answers, picked, now)
    await work.sessions.add_answers(versions[-1], answers, now)
    await work.sessions.save(Change.ANSWERED, *versions)
    touched = {answer.item for answer in answers}
    await work.sessions.update_items(session, [picked[item] for item in touched if item in picked])
    return versions[-1]


class RecordStandaloneAnswer:
    """Starts a session, records the answer and completes the session, in one transaction.

    It counts for statistics as any completed session. Idempotent by the
    call's key. Raises the errors of a start, AnswerInvalidError,
    ItemNotFoundError.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        products: Products,
        catalog: Catalog,
        statistics: Statistics,
        clock: Clock,
        *,
        limits: AccountLimits,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._products = products
        self._catalog = catalog
        self._statistics = statistics
        self._clock = clock
        self._limits = limits

    async def __call__(self, call: Call, product: str, answer: SubmittedAnswer) -> Answered:
        """Returns the answer's result and the completed session."""
        flaw = find_flaw(answer)
        if flaw is not None:
            raise flaw
        found = (await self._products.find([product])).get(product)
        keys = await self._catalog.answer_keys({answer.item})

        async def command(work: UnitOfWork) -> Answered:
            if found is None:
                raise ProductUnknownError(product)
            fresh = PracticeSession.start(
                user_id=call.user_id,
                product=found,
                mode="",
                content="",
                planned_seconds=None,
                calendar=await work.learners.calendar(call.user_id),
                now=self._clock(),
            )
            session = await work.sessions.add(fresh)
            if session is None:
                taken = await work.sessions.lock_open(fresh.user_id, fresh.open_slot or "")
                raise SessionAlreadyOpenError(taken.id if taken else 0)
            submission = await record_answers(work, session, [answer], keys, self._clock)
            if submission.results[0].recorded is None:
                raise ItemNotFoundError(answer.item)
            ended = await end_session(work, call, submission.session, State.COMPLETED, now=self._clock())
            return replace(submission, session=ended)

        async with self._limits.starting(call, product):
            submission = await once(self._unit_of_work, call, Answered, command)
        caught_up = await self._statistics.caught_up(call.user_id, submission.session.user_seq)
        return replace(submission, statistics_pending=not caught_up)
