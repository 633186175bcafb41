"""Commands and queries on submissions: work handed in, by hand or from a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service_kit.call import Call
from service_kit.once import once
from service_kit.worker_threads import RunInThread
from session_service.application.end_session import end_session
from session_service.application.find_content import find_content
from session_service.application.ports.catalog import Catalog
from session_service.application.ports.clock import Clock
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.statistics import Statistics
from session_service.application.ports.submissions import (
    SubmissionReaders,
    SubmissionRef,
    SubmissionSelection,
)
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.drafts import EMPTY_DRAFT, Draft, read_draft
from session_service.domain.errors import ContentNotFoundError, OutcomeNotAllowedError
from session_service.domain.states import State
from session_service.domain.submission import COMPLETED, IN_PROGRESS, Submission


async def _read(run_in_thread: RunInThread, document: str | Draft) -> Draft:
    """Returns a document as a draft, which one that was read already is. Raises DraftInvalidError."""
    return document if isinstance(document, Draft) else await run_in_thread(read_draft, document)


class CreateSubmission:
    """Stores a submission that came from no session.

    Idempotent by the call's key. Raises ContentNotFoundError, DraftInvalidError.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, catalog: Catalog, clock: Clock, run_in_thread: RunInThread
    ) -> None:
        self._unit_of_work = unit_of_work
        self._catalog = catalog
        self._clock = clock
        self._run_in_thread = run_in_thread

    async def __call__(
        self,
        call: Call,
        *,
        content: str,
        content_second: int | None = None,
        document: str | Draft = EMPTY_DRAFT,
        status: str = IN_PROGRESS,
    ) -> Submission:
        """Returns the submission.

        Content that was not made in `content_second`, where one is given, does not exist.
        """
        draft = await _read(self._run_in_thread, document)
        # Told inside of the transaction: see StartSession.
        known = await find_content(self._catalog, content, content_second)

        async def command(work: UnitOfWork) -> Submission:
            if known is None:
                raise ContentNotFoundError(content)
            now = self._clock()
            return await work.submissions.add(
                Submission(
                    user_id=call.user_id,
                    content=content,
                    content_created_at=known.created_at,
                    document=draft.content,
                    status=status,
                    submitted_at=now,
                    updated_at=now,
                )
            )

        return await once(self._unit_of_work, call, Submission, command)


@dataclass(frozen=True, slots=True)
class HandedIn:
    """The submission, and the place of its session's end among the user's events."""

    submission: Submission
    user_seq: int


class SubmitSession:
    """Ends a session as completed and makes a submission of its draft, time and conversation.

    Both or neither: one transaction under the session's lock, so of two
    submits one is refused and no autosave falls in between. Idempotent by the
    call's key. Raises SessionNotFoundError, SessionEndedError,
    OutcomeNotAllowedError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, statistics: Statistics, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._statistics = statistics
        self._clock = clock

    async def __call__(self, call: Call, ref: SessionRef) -> Submission:
        """Returns the submission, once statistics include its session or are late."""

        async def command(work: UnitOfWork) -> HandedIn:
            session = await work.sessions.lock(call.user_id, ref)
            if not session.policy.submits:
                raise OutcomeNotAllowedError(session.product, "submitted")
            now = self._clock()
            ended = await end_session(work, call, session, State.COMPLETED, now=now)
            made = await work.submissions.add(
                Submission(
                    user_id=ended.user_id,
                    content=ended.content,
                    content_created_at=ended.content_created_at,
                    session_id=ended.id,
                    document=await work.sessions.draft(ended) or "{}",
                    elapsed_seconds=ended.elapsed_seconds,
                    status=COMPLETED,
                    messages=tuple(await work.sessions.messages(ended)),
                    submitted_at=now,
                    updated_at=now,
                )
            )
            return HandedIn(made, ended.user_seq)

        handed_in = await once(self._unit_of_work, call, HandedIn, command)
        await self._statistics.caught_up(call.user_id, handed_in.user_seq)
        return handed_in.submission


class GetSubmission:
    """Reads a submission of the caller's."""

    def __init__(self, readers: SubmissionReaders) -> None:
        self._readers = readers

    async def __call__(self, call: Call, ref: SubmissionRef) -> Submission:
        """Returns the submission. Raises SubmissionNotFoundError."""
        return await self._readers.get(call.user_id, ref)

    async def newest(self, call: Call, content: str) -> Submission | None:
        """Returns the newest one of a content, None when there is none."""
        return await self._readers.newest(call.user_id, content)


class ListSubmissions:
    """Reads a user's submissions, newest first, without documents and conversations."""

    def __init__(self, readers: SubmissionReaders) -> None:
        self._readers = readers

    async def __call__(self, selection: SubmissionSelection) -> tuple[Sequence[Submission], int]:
        """Returns at most `selection.limit` submissions, and how many there are in all."""
        return await self._readers.list(selection)


class UpdateSubmission:
    """Gives fields of a submission new values.

    Idempotent by the call's key. Raises SubmissionNotFoundError,
    DraftInvalidError, EtagMismatchError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, run_in_thread: RunInThread) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._run_in_thread = run_in_thread

    async def __call__(
        self, call: Call, ref: SubmissionRef, changes: dict[str, Any], *, etag: str = ""
    ) -> Submission:
        """Returns the submission.

        `changes` are values of submission.CHANGEABLE, by their names; a document may be a draft.
        """
        if "document" in changes:
            draft = await _read(self._run_in_thread, changes["document"])
            changes = {**changes, "document": draft.content}

        async def command(work: UnitOfWork) -> Submission:
            submission = await work.submissions.lock(call.user_id, ref)
            changed = submission.change(changes, etag=etag, now=self._clock())
            if changed is not submission:
                await work.submissions.save(changed)
            return changed

        return await once(self._unit_of_work, call, Submission, command)


class AddSubmissionMessage:
    """Appends a message to a submission.

    Idempotent by the call's key only: the same words may be said twice.
    Raises SubmissionNotFoundError, ConversationFullError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, call: Call, ref: SubmissionRef, *, role: str, content: str) -> Submission:
        """Returns the submission with its conversation."""

        async def command(work: UnitOfWork) -> Submission:
            submission = await work.submissions.lock(call.user_id, ref)
            changed = submission.add_message(role, content, now=self._clock())
            await work.submissions.add_message(changed, changed.messages[-1])
            await work.submissions.save(changed)
            return changed

        return await once(self._unit_of_work, call, Submission, command)


class DeleteSubmission:
    """Forgets a submission and its conversation; the session it came from stays.

    Idempotent by the call's key. Raises SubmissionNotFoundError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, call: Call, ref: SubmissionRef) -> None:
        """Deletes it."""

        async def command(work: UnitOfWork) -> bool:
            submission = await work.submissions.lock(call.user_id, ref)
            await work.submissions.delete(submission)
            return True

        await once(self._unit_of_work, call, bool, command)
