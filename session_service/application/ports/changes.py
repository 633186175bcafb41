"""Starts and changes of many callers at once: what is read to judge them, and what became of the sessions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from service_kit.call import Call, RequestIdentity
from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.domain.events import SessionEnded
from session_service.domain.items import SessionItem
from session_service.domain.policies import Product
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session that a call wants to change; `learner` is None for one of whom nothing is known yet.

    `summary` has the figures of its product, of an end that is summed up.
    `remembered` says that session and learner were not read: others may have
    changed them since, or used the call's key. So it is true once a write of
    the session has gone well.
    """

    session: PracticeSession
    learner: LearnerMark | None
    summary: Summary | None = None
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class AskedSession:
    """A session that a call names; `summed` says that its end is summed up.

    `recalled` says that it may be one that is remembered, of an end that was not tried before.
    """

    call: Call
    ref: SessionRef
    summed: bool = False
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class SessionChange:
    """One change of a session: paused, resumed or ended.

    `event` is that of an end, which takes the place after the learner's newest
    one. `keyed` is the outcome for a caller with a key, and its type;
    `request_id` is that of the call. `summary` has the figures that were read
    for an end that is summed up: they are so until it is there.
    """

    kind: Change
    before: PracticeSession
    after: PracticeSession
    event: SessionEnded | None
    keyed: tuple[RequestIdentity, Any, type[Any]] | None
    request_id: str
    summary: Summary | None = None


class ChangeStore(Protocol):
    """Sessions of many learners, and one change of each."""

    async def read(self, asked: Sequence[AskedSession]) -> Sequence[FoundSession | None]:
        """Returns the sessions; None where there is no such session, or the call's key has been used.

        Nothing is locked, and what is remembered is not read. Raises NothingWrittenError.
        """

    async def write(self, changes: Sequence[SessionChange]) -> Collection[int]:
        """Makes changes durable, and returns the numbers of the sessions that have them now.

        Waits for no session and no learner: one that is locked, or is not what
        it was before, is left as it is, and so is a session whose caller's key
        has been used. Raises NothingWrittenError; after any other error nobody knows.
        """


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """Where a call's session can begin: its number, and its product and learner as they are.

    `started` are all sessions that the learner has begun, `open_count` those which go on.
    """

    number: int
    product: Product
    learner: LearnerMark
    started: int
    open_count: int


@dataclass(frozen=True, slots=True)
class SessionStart:
    """A numbered session with its picked items; `keyed` is the outcome for a caller with a key."""

    session: PracticeSession
    items: Sequence[SessionItem]
    place: FoundPlace
    keyed: tuple[RequestIdentity, Any, type[Any]] | None


class StartStore(Protocol):
    """New sessions of many learners."""

    async def read(self, asked: Sequence[tuple[Call, str]]) -> Sequence[FoundPlace | None]:
        """Returns a place for a call's session in a product.

        None for a learner of whom nothing is known yet, for the first session in a
        product, and where the call's key has been used. Nothing is locked.
        Raises NothingWrittenError.
        """

    async def write(self, starts: Sequence[SessionStart]) -> Collection[int]:
        """Makes sessions durable, one of a learner, and returns the numbers of those that are.

        Waits for nobody who starts: where the learner began another session since,
        or is about to, and where the open slot is taken, nothing is stored. The
        first session in another product is not seen until it is committed.
        Raises NothingWrittenError; after any other error nobody knows.
        """
