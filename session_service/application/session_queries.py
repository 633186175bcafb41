"""Queries on sessions and on what is in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from service_kit.call import Call
from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.products import Products
from session_service.application.ports.readers import History, Readers, Report, SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.workspaces import Workspace, WorkspaceReaders
from session_service.domain.drafts import EMPTY_DRAFT, Draft
from session_service.domain.items import SessionItem
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import ENDED

_AT_ONCE_BYTES = 512 * 1024


class GetSession:
    """Reads a session of the caller's. Raises SessionNotFoundError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, ref: SessionRef) -> PracticeSession:
        """Returns the session."""
        return await self._readers.get(call.user_id, ref)


class GetActiveSession:
    """Reads the caller's newest open session of a product. Raises ProductUnknownError."""

    def __init__(self, readers: Readers, products: Products) -> None:
        self._readers = readers
        self._products = products

    async def __call__(self, call: Call, product: str, content: str = "") -> PracticeSession | None:
        """Returns the session, None when none is open."""
        await self._products.check_known(product)
        return await self._readers.active(call.user_id, product, content)


class ListSessions:
    """Reads a user's sessions, newest first. Raises ProductUnknownError."""

    def __init__(self, readers: Readers, products: Products) -> None:
        self._readers = readers
        self._products = products

    async def __call__(self, selection: SessionSelection) -> Sequence[PracticeSession]:
        """Returns at most `selection.limit` sessions."""
        if selection.product:
            await self._products.check_known(selection.product)
        return await self._readers.list(selection)

    async def page(self, selection: SessionSelection) -> History:
        """Returns a part with the total, both as of one moment."""
        return await self._readers.history(selection)


class ListHistory:
    """Reads a part of a user's ended sessions with their total, as of one moment."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, selection: SessionSelection) -> History:
        """Returns the ended ones of a selection."""
        return await self._readers.history(replace(selection, states=ENDED))

    async def mark(self, user_id: int) -> LearnerMark:
        """Returns the mark that changes whenever the user's history does, which is cheap to read."""
        return await self._readers.learner_mark(user_id)


class ListSessionItems:
    """Reads the picked items and how each went. Raises SessionNotFoundError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, ref: SessionRef) -> Sequence[SessionItem]:
        """Returns the items in their order."""
        await self._readers.get(call.user_id, ref)
        return await self._readers.items(call.user_id, ref.id)


class GetSessionReport:
    """Reads a session and what was answered in it. Raises SessionNotFoundError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, ref: SessionRef) -> tuple[PracticeSession, Report]:
        """Returns the session and its report."""
        return await self._readers.report(call.user_id, ref)


class GetDraft:
    """Reads a session's draft. Raises SessionNotFoundError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, ref: SessionRef) -> Draft:
        """Returns the JSON text as it was sent and its hash; `{}` before the first draft."""
        await self._readers.get(call.user_id, ref)
        return await self._readers.draft(call.user_id, ref.id) or EMPTY_DRAFT


class ListMessages:
    """Reads the conversation, oldest first. Raises SessionNotFoundError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, ref: SessionRef, *, after: int, limit: int) -> Sequence[Message]:
        """Returns at most `limit` messages after a position."""
        await self._readers.get(call.user_id, ref)
        return await self._readers.messages(call.user_id, ref.id, after, limit)


class ViewWorkspaces:
    """Reads sessions with their drafts and conversations."""

    def __init__(self, readers: WorkspaceReaders) -> None:
        self._readers = readers

    async def get(self, call: Call, ref: SessionRef) -> Workspace:
        """Returns a session of the caller's. Raises SessionNotFoundError."""
        return await self._readers.get(call.user_id, ref)

    async def of(self, session: PracticeSession) -> Workspace:
        """Returns a session at hand with its work as it is now."""
        return await self._readers.of(session)

    async def around(self, session: PracticeSession, document: Draft) -> Workspace:
        """Returns a session at hand with its document, which is at hand too, and its conversation."""
        messages = await self._readers.messages(session) if session.message_count else ()
        return Workspace(session, document.content, document.content_hash, messages)

    async def each(self, selection: SessionSelection) -> AsyncIterator[Workspace]:
        """Yields sessions, the newest first; what is in memory at once is bounded, not their number."""
        while selection.limit > 0:
            found = await self._readers.list(selection, _AT_ONCE_BYTES)
            if not found:
                return
            for workspace in found:
                yield workspace
            selection = replace(
                selection, offset=0, before_id=found[-1].session.id, limit=selection.limit - len(found)
            )
