"""Commands on open sessions: pause, resume, abandon, note, draft, message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from service_kit.call import Call, reach
from service_kit.errors import ServiceError
from service_kit.once import once
from service_kit.worker_threads import RunInThread
from session_service.application.account_limits import AccountLimits
from session_service.application.ports.clock import Clock
from session_service.application.ports.drafts import DraftChange, DraftStore, FoundDraft
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

    What is found is read and judged without a lock, and written if it is
    still what it was; in all other cases a transaction does it all again.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, drafts: DraftStore, clock: Clock, run_in_thread: RunInThread
    ) -> None:
        self._unit_of_work = unit_of_work
        self._drafts = drafts
        self._clock = clock
        self._run_in_thread = run_in_thread

    async def find(self, call: Call, ref: SessionRef) -> FoundDraft | None:
        """Returns a session of the caller's with its draft, None where there is none.

        It is as this process saved it last, or as it is now: `__call__` finds out.
        Who sends the same text again sends what is known to be a draft: it need not be read.
        """
        return self._drafts.recall(call, ref) or await self._drafts.read(call, ref)

    async def __call__(
        self,
        call: Call,
        ref: SessionRef,
        content: str | Draft,
        *,
        found: FoundDraft | None = None,
        reported: int | None = None,
        base_hash: str = "",
    ) -> PracticeSession:
        """Returns the session with the draft's hash.

        `found` is what `find` returned, `reported` is in seconds.
        """
        found = found or await self.find(call, ref)
        draft = content if isinstance(content, Draft) else await self._read(found, content)

        def save(session: PracticeSession) -> PracticeSession:
            return session.save_draft(
                draft_hash=draft.content_hash, base_hash=base_hash, reported=reported, now=self._clock()
            )

        async def command(work: UnitOfWork) -> PracticeSession:
            session = await work.sessions.lock(call.user_id, ref)
            saved = save(session)
            if draft.content_hash != session.draft_hash:
                await work.sessions.put_draft(saved, draft.content)
            await work.sessions.save(Change.DRAFT_SAVED, saved)
            return saved

        while found is not None and not found.repeated:
            saved = await self._save_found(call, found, draft, save)
            if saved is not None:
                return saved
            if not found.remembered:
                break
            found = await self._drafts.read(call, ref)
        return await once(self._unit_of_work, call, PracticeSession, command)

    async def _save_found(
        self, call: Call, found: FoundDraft, draft: Draft, save: Callable[[PracticeSession], PracticeSession]
    ) -> PracticeSession | None:
        """Returns the session with the draft, None where it takes a transaction."""
        try:
            saved = save(found.session)
        except ServiceError:
            # Perhaps it is another session by now; done under its lock it comes again, or not.
            return None
        content = draft.content if draft.content_hash != found.session.draft_hash else None
        change = DraftChange(found.session, saved, content, found.draft)
        last_seq = await self._drafts.write(call, change, PracticeSession)
        if last_seq is None:
            return None
        reach(last_seq)
        return saved

    async def _read(self, found: FoundDraft | None, content: str) -> Draft:
        stored = found.draft if found is not None else None
        # Half of a surrogate pair is in no text that is stored.
        if stored is not None and stored.is_text(content.encode(errors="surrogatepass")):
            return Draft(content, stored.content_hash)
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
