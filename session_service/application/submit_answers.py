"""Records answers in a practice session, or one as a session of its own."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service_kit.call import Call, reach
from service_kit.combiner import Combiner
from service_kit.logging import get_logger
from service_kit.once import once
from session_service.application.account_limits import AccountLimits
from session_service.application.end_session import end_session
from session_service.application.ports.answers import (
    AnswerBatch,
    AnswerStore,
    ChangedSession,
    FoundSession,
    Mark,
    NothingWrittenError,
)
from session_service.application.ports.catalog import Catalog
from session_service.application.ports.clock import Clock
from session_service.application.ports.products import Products
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.statistics import Statistics
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.answers import AnswerResult, SubmittedAnswer, find_flaw, record
from session_service.domain.errors import ItemNotFoundError, ProductUnknownError, SessionAlreadyOpenError
from session_service.domain.grading import AnswerKey
from session_service.domain.items import SessionItem
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State

log = get_logger(__name__)


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
        self,
        combined: CombinedAnswers,
        unit_of_work: UnitOfWorkFactory,
        catalog: Catalog,
        clock: Clock,
        limits: AccountLimits,
    ) -> None:
        self._combined = combined
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
            batch = AnswerBatch(call, ref, _name(answers), keys, _sent_ids(answers))
            answered = await self._combined(batch)
            if answered is None:
                answered = await once(self._unit_of_work, call, Answered, command)
            return answered


class CombinedAnswers:
    """Records the answers of all callers of a moment with one read and one write.

    It does what goes well, and leaves the rest to a transaction of the
    caller's own: repeats, sessions that are ended, locked or not the caller's,
    whatever fails. So one caller's error is that caller's alone, and nobody
    waits for a session of somebody else.

    What was judged by a remembered session is told only where the session was
    written; all else comes once more, and then the session is read.
    """

    def __init__(self, store: AnswerStore, clock: Clock, most: int = 64) -> None:
        self._store = store
        self._clock = clock
        self._combine = Combiner(self._record, most=most, weigh=lambda batch: len(batch.answers))

    async def __call__(self, batch: AnswerBatch) -> Answered | None:
        """Returns what became of the answers; None when nothing did."""
        made = await self._combine(batch)
        if made.doubtful:
            made = await self._combine(replace(batch, doubted=True))
        reach(made.last_seq, made.time_zone)
        return made.answered

    async def _record(self, batches: Sequence[AnswerBatch]) -> Sequence[_Made]:
        try:
            found = await self._store.read(batches)
            lot = _Lot(self._clock())
            answered = [lot.record(*each) for each in zip(batches, found, strict=True)]
            written = await self._store.write(lot.changes, Answered) if lot.changes else {}
        except NothingWrittenError as error:
            log.warning("answers_not_combined", calls=len(batches), error=repr(error.__cause__))
            return [_Made()] * len(batches)
        left = {change.before.id for change in lot.changes}.difference(written)
        return [_to_made(each, at, left, written) for each, at in zip(answered, found, strict=True)]


@dataclass(frozen=True, slots=True)
class _Made:
    """What a lot made of a call; without `answered` nothing, and `doubtful` where that proves nothing."""

    answered: Answered | None = None
    last_seq: int = 0
    time_zone: str | None = None
    doubtful: bool = False


def _to_made(
    answered: Answered | None,
    found: FoundSession | None,
    left: Collection[int],
    written: Mapping[int, Mark],
) -> _Made:
    if found is None:
        return _Made()
    number = found.session.id
    if answered is not None and number in written:
        return _Made(answered, *written[number])
    if found.remembered:
        return _Made(doubtful=True)
    answered = answered if number not in left else None
    return _Made(answered, found.last_seq, found.time_zone)


class _Lot:
    """Answers that are recorded together, and what they change, session by session."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._changed: dict[int, ChangedSession] = {}
        self._keys: set[tuple[int, str]] = set()

    @property
    def changes(self) -> Sequence[ChangedSession]:
        """What is to be written."""
        return list(self._changed.values())

    def record(self, batch: AnswerBatch, found: FoundSession | None) -> Answered | None:
        """Returns what becomes of a call's answers; None when they need a transaction of their own."""
        if found is None:
            return None
        changed = self._changed.get(found.session.id) or ChangedSession(found.session, found.items)
        session = changed.versions[-1] if changed.versions else found.session
        known = {**found.known, **{answer.answer_id: answer for answer in changed.answers}}
        picked = {**found.items, **changed.items}
        try:
            recording = record(
                session, batch.answers, keys=batch.keys, known=known, picked=picked, now=self._now
            )
        except Exception:
            # Of the rules or of ours: done alone it comes again, to its caller and to the log.
            return None
        if recording.versions:
            session = recording.versions[-1]
        picks = session.policy.picks_items
        next_item = _next_item({**picked, **recording.items}) if picks else None
        answered = Answered(recording.results, session, next_item)
        request = batch.call.request
        if request is not None:
            key = batch.call.user_id, request.key
            if changed.keyed or not recording.versions or key in self._keys:
                return None
            self._keys.add(key)
            changed.keyed = (request, answered)
        if recording.versions:
            changed.add(recording)
            changed.unseen_ids |= found.remembered and bool(batch.sent_ids)
            self._changed[session.id] = changed
        return answered


def _next_item(items: Mapping[str, SessionItem]) -> SessionItem | None:
    return next((item for item in items.values() if not item.attempt_count), None)


def _name(answers: Sequence[SubmittedAnswer]) -> list[SubmittedAnswer]:
    """Returns answers with an id each."""
    return [
        answer if answer.answer_id else replace(answer, answer_id=str(uuid.uuid4())) for answer in answers
    ]


def _sent_ids(answers: Sequence[SubmittedAnswer]) -> list[str]:
    """Returns the ids that clients made and that can be on record; those made here are new."""
    return [answer.answer_id for answer in answers if answer.answer_id and find_flaw(answer) is None]


async def record_answers(
    work: UnitOfWork,
    session: PracticeSession,
    answers: Sequence[SubmittedAnswer],
    keys: Mapping[str, AnswerKey],
    clock: Clock,
) -> Answered:
    """Records the new ones among the answers in a locked session."""
    sent_ids = _sent_ids(answers)
    known = await work.sessions.answers(session, sent_ids) if sent_ids else {}
    named = _name(answers)
    picks = session.policy.picks_items
    picked = await work.sessions.items(session, {answer.item for answer in named}) if picks else {}
    now = clock()
    recording = record(session, named, keys=keys, known=known, picked=picked, now=now)
    if recording.versions:
        session = recording.versions[-1]
        await work.sessions.add_answers(session, recording.fresh, now)
        await work.sessions.save(Change.ANSWERED, *recording.versions)
        await work.sessions.update_items(session, list(recording.items.values()))
    return Answered(recording.results, session, await work.sessions.next_item(session) if picks else None)


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
            batch = await record_answers(work, session, [answer], keys, self._clock)
            if batch.results[0].recorded is None:
                raise ItemNotFoundError(answer.item)
            ended = await end_session(work, call, batch.session, State.COMPLETED, now=self._clock())
            return replace(batch, session=ended)

        async with self._limits.starting(call, product):
            batch = await once(self._unit_of_work, call, Answered, command)
        caught_up = await self._statistics.caught_up(call.user_id, batch.session.user_seq)
        return replace(batch, statistics_pending=not caught_up)
