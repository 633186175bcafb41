"""Commands on open sessions: pause, resume, abandon, note, draft, message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service_kit.call import Call
from service_kit.once import once
from service_kit.worker_threads import RunInThread
from session_service.application.account_limits import AccountLimits
from session_service.application.ports.clock import Clock
from session_service.application.ports.readers import Readers
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.application.session_changes import SessionChanges
from session_service.domain.drafts import Draft, read_draft
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State


class PauseSession:
    """Puts a session to rest and records the time the client reports.

    Idempotent by the call's key; pausing a paused session changes nothing or
    only the time, as the product's policy says. Raises SessionNotFoundError,
    SessionEndedError, ElapsedWentBackError, EtagMismatchError.
    """

    def __init__(self, changes: SessionChanges) -> None:
        self._changes = changes

    async def __call__(
        self, call: Call, ref: SessionRef, *, reported: int | None = None, etag: str = ""
    ) -> PracticeSession:
        """Returns the session at rest. `reported` is in seconds."""

        def pause(session: PracticeSession, now: datetime) -> PracticeSession:
            session.expect(etag)
            return session.pause(now=now, reported=reported)

        return await self._changes.change(call, ref, Change.PAUSED, pause)


class ResumeSession:
    """Lets a session go on.

    Idempotent: resuming an active session changes nothing. Raises
    SessionNotFoundError, SessionEndedError, EtagMismatchError.
    """

    def __init__(self, changes: SessionChanges) -> None:
        self._changes = changes

    async def __call__(self, call: Call, ref: SessionRef, *, etag: str = "") -> PracticeSession:
        """Returns the session going on."""

        def resume(session: PracticeSession, now: datetime) -> PracticeSession:
            session.expect(etag)
            return session.resume(now=now)

        return await self._changes.change(call, ref, Change.RESUMED, resume)


class AbandonSession:
    """Gives a session up. It stays on record and counts for nothing.

    Idempotent by the call's key. Raises as CompleteSession does.
    """

    def __init__(self, changes: SessionChanges) -> None:
        self._changes = changes

    async def __call__(
        self, call: Call, ref: SessionRef, *, reported: int | None = None, etag: str = ""
    ) -> PracticeSession:
        """Returns the ended session. `reported` is in seconds."""
        return await self._changes.end(
            call,
            ref,
            State.ABANDONED,
            outcome_type=PracticeSession,
            outcome_of=lambda ended: ended,
            reported=reported,
            etag=etag,
        )


class SetNote:
    """Replaces a session's note, open or ended.

    Idempotent: the same note changes nothing. Raises SessionNotFoundError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, call: Call, ref: SessionRef, note: str) -> PracticeSession:
        """Returns the session with the note."""

        async def command(work: UnitOfWork) -> PracticeSession:
            session = await work.sessions.lock(call.user_id, ref)
            noted = session.annotate(note, now=self._clock())
            if noted is not session:
                await work.sessions.save(Change.NOTED, noted)
            return noted

        return await once(self._unit_of_work, call, PracticeSession, command)


class SaveDraft:
    """Writes a draft when its content differs; its save time and the elapsed time always.

    Idempotent by content. Raises SessionNotFoundError, SessionEndedError,
    DraftInvalidError, and EtagMismatchError when `base_hash` is given and
    another device saved something else since.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, readers: Readers, clock: Clock, run_in_thread: RunInThread
    ) -> None:
        self._unit_of_work = unit_of_work
        self._readers = readers
        self._clock = clock
        self._run_in_thread = run_in_thread

    async def saved(self, call: Call, ref: SessionRef) -> Draft | None:
        """Returns the draft of a session of the caller's as it is now, None where there is none.

        Who sends the same text again sends what is known to be a draft: it need not be read.
        """
        return await self._readers.draft(call.user_id, ref.id)

    async def __call__(
        self,
        call: Call,
        ref: SessionRef,
        content: str | Draft,
        *,
        reported: int | None = None,
        base_hash: str = "",
    ) -> PracticeSession:
        """Returns the session with the draft's hash. `reported` is in seconds."""
        draft = content if isinstance(content, Draft) else await self._read(call, ref, content)

        async def command(work: UnitOfWork) -> PracticeSession:
            session = await work.sessions.lock(call.user_id, ref)
            saved = session.save_draft(
                draft_hash=draft.content_hash, base_hash=base_hash, reported=reported, now=self._clock()
            )
            if draft.content_hash != session.draft_hash:
                await work.sessions.put_draft(saved, draft.content)
            await work.sessions.save(Change.DRAFT_SAVED, saved)
            return saved

        return await once(self._unit_of_work, call, PracticeSession, command)

    async def _read(self, call: Call, ref: SessionRef, content: str) -> Draft:
        saved = await self.saved(call, ref)
        if saved is not None and saved.content == content:
            return saved
        # A large draft takes a while; other calls need not wait for it.
        return await self._run_in_thread(read_draft, content)


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the conversation, and the session with it."""

    message: Message
    session: PracticeSession


class AddMessage:
    """Appends a message to an open session.

    Idempotent by the call's key only: the same words may be said twice.
    Raises SessionNotFoundError, SessionEndedError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, limits: AccountLimits) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._limits = limits

    async def __call__(self, call: Call, ref: SessionRef, *, role: str, content: str) -> Said:
        """Returns the message as stored."""

        async def command(work: UnitOfWork) -> Said:
            session = await work.sessions.lock(call.user_id, ref)
            await self._limits.say_more(work, call.user_id)
            now = self._clock()
            changed = session.add_message(content, now=now)
            message = Message(changed.message_count, role, content, now)
            await work.sessions.add_message(changed, message)
            await work.sessions.save(Change.MESSAGE_ADDED, changed)
            return Said(message, changed)

        return await once(self._unit_of_work, call, Said, command)
