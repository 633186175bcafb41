"""Saves the document being worked on in a session."""

from __future__ import annotations

from service_kit.call import Call
from service_kit.heavy import Aside
from service_kit.once import once
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.drafts import content_hash
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change


class SaveDraft:
    """Writes a draft when its content differs; its save time and the elapsed time always.

    Idempotent by content. Raises SessionNotFoundError, SessionEndedError,
    DraftInvalidError, and EtagMismatchError when `base_hash` is given and
    another device saved something else since.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, aside: Aside) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._aside = aside

    async def __call__(
        self,
        call: Call,
        ref: SessionRef,
        content: str,
        *,
        reported: int | None = None,
        base_hash: str = "",
    ) -> PracticeSession:
        """Returns the session with the draft's hash. `reported` is in seconds."""
        # A large draft takes a tenth of a second; other calls need not wait for it.
        draft_hash = await self._aside(content_hash, content)

        async def command(work: UnitOfWork) -> PracticeSession:
            session = await work.sessions.lock(call.user_id, ref)
            saved = session.save_draft(
                draft_hash=draft_hash, base_hash=base_hash, reported=reported, now=self._clock()
            )
            if draft_hash != session.draft_hash:
                await work.sessions.put_draft(saved, content)
            await work.sessions.save(Change.DRAFT_SAVED, saved)
            return saved

        return await once(self._unit_of_work, call, PracticeSession, command)
