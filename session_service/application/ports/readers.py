"""Reads of sessions and of what is in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.domain.drafts import Draft
from session_service.domain.items import SessionItem
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One change of a session and the figures after it; `sequence` is the version it made."""

    sequence: int
    change: Change
    at: datetime
    state: State
    answer_count: int
    correct_answer_count: int
    elapsed_seconds: int
    item_count: int = 0
    answered_item_count: int = 0
    mastered_item_count: int = 0
    right_run: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSelection:
    """Which of a user's sessions to list, newest first; empty fields select all.

    `before_id` continues after a session already listed.
    """

    user_id: int
    product: str = ""
    content: str = ""
    states: frozenset[State] = frozenset()
    started_from: datetime | None = None
    started_before: datetime | None = None
    before_id: int | None = None
    limit: int = 20
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """How a session went, item by item, in the order first answered.

    `average_time_taken` is in seconds over the answers that told it and took
    no longer than a day.
    """

    items: Sequence[SessionItem]
    average_time_taken: float | None


@dataclass(frozen=True, slots=True)
class History:
    """A part of a user's sessions, how many there are in all, and the mark they were read at."""

    sessions: Sequence[PracticeSession]
    total: int
    mark: LearnerMark


class Readers(Protocol):
    """Reads that change nothing; each sees one consistent moment."""

    async def get(self, user_id: int, ref: SessionRef) -> PracticeSession:
        """Returns a session. Raises SessionNotFoundError."""

    async def active(self, user_id: int, product: str, content: str) -> PracticeSession | None:
        """Returns the newest open session, if there is one."""

    async def list(self, selection: SessionSelection) -> Sequence[PracticeSession]:
        """Returns sessions, newest first."""

    async def learner_mark(self, user_id: int) -> LearnerMark:
        """Returns how far a user's events are."""

    async def history(self, selection: SessionSelection) -> History:
        """Returns a part of a user's sessions, all of it as of one moment."""

    async def summary(self, user_id: int, product: str) -> Summary:
        """Returns the figures over a user's sessions of a product."""

    async def items(self, user_id: int, session_id: int) -> Sequence[SessionItem]:
        """Returns the items picked for a session, in their order."""

    async def report(self, user_id: int, ref: SessionRef) -> tuple[PracticeSession, Report]:
        """Returns a session and how it went, both as of one moment. Raises SessionNotFoundError."""

    async def draft(self, user_id: int, session_id: int) -> Draft | None:
        """Returns the draft, if there is one."""

    async def messages(self, user_id: int, session_id: int, after: int, limit: int) -> Sequence[Message]:
        """Returns lines of the conversation after a position, oldest first."""

    async def journal(self, user_id: int, session_id: int, after: int) -> Sequence[JournalEntry]:
        """Returns the journal after a sequence number, oldest first."""

    async def versions(self, session_ids: Collection[int]) -> Mapping[int, int]:
        """Returns the versions of those sessions that are there, whoever's they are."""

    def ended(self, user_id: int, after_session_id: int) -> AsyncIterator[PracticeSession]:
        """Yields every ended session after a number, in order; of one user unless `user_id` is 0."""
