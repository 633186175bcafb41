"""Starts of many callers at once: what is read to make the sessions, and what is stored of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from service_kit.call import Call, RequestIdentity
from session_service.application.ports.learners import LearnerMark
from session_service.domain.items import SessionItem
from session_service.domain.practice_session import PracticeSession


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """Where a call's session can begin: its number, and its learner as they are.

    `started` are all sessions that the learner has begun, `open_count` those which go on.
    """

    number: int
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
        or is about to, and where the open slot is taken, nothing is stored.
        Raises NothingWrittenError; after any other error nobody knows.
        """
