"""Records one answer as a session of its own."""

from __future__ import annotations

from dataclasses import replace

from service_kit.call import Call
from service_kit.once import once
from session_service.application.allowances import Allowances
from session_service.application.ending import end_session
from session_service.application.ports.catalog import Catalog
from session_service.application.ports.statistics import Statistics
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.application.submit_answers import Answered, record_answers
from session_service.domain.answers import SubmittedAnswer, find_flaw
from session_service.domain.errors import ItemNotFoundError
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State


class RecordStandaloneAnswer:
    """Starts a session, records the answer and completes the session, in one transaction.

    It counts for statistics as any completed session. Idempotent by the
    call's key. Raises ProductUnknownError, AnswerInvalidError,
    ItemNotFoundError.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        catalog: Catalog,
        statistics: Statistics,
        clock: Clock,
        allowances: Allowances,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._catalog = catalog
        self._statistics = statistics
        self._clock = clock
        self._allowances = allowances

    async def __call__(self, call: Call, product: str, answer: SubmittedAnswer) -> Answered:
        """Returns the answer's result and the completed session."""
        flaw = find_flaw(answer)
        if flaw is not None:
            raise flaw
        keys = await self._catalog.answer_keys({answer.item})

        async def command(work: UnitOfWork) -> Answered:
            fresh = PracticeSession.start(
                user_id=call.user_id,
                product=product,
                mode="",
                content="",
                planned_seconds=None,
                calendar=await work.learners.calendar(call.user_id),
                now=self._clock(),
            )
            session = await work.sessions.add(fresh)
            assert session is not None, "a product with answers has no open slot"
            submission = await record_answers(work, session, [answer], keys, self._clock)
            if submission.results[0].recorded is None:
                raise ItemNotFoundError(answer.item)
            ended = await end_session(work, submission.session, State.COMPLETED, now=self._clock())
            return replace(submission, session=ended)

        async with self._allowances.starting(call, product):
            submission = await once(self._unit_of_work, call, Answered, command)
        caught_up = await self._statistics.caught_up(call.user_id, submission.session.user_seq)
        return replace(submission, statistics_pending=not caught_up)
