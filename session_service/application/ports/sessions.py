"""The sessions of a unit of work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from session_service.domain.answers import RecordedAnswer
from session_service.domain.items import SessionItem
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State


@dataclass(frozen=True, slots=True)
class SessionRef:
    """A session as a caller names it: by number and, through a product's own API, by that product.

    A session of another product does not exist for a product's clients, nor
    does one that was not started in the Unix second that its public id says.
    """

    id: int
    product: str = ""
    second: int | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures over a user's sessions of a product; seconds over the completed ones."""

    started: int
    completed: int
    completed_seconds: int

    def including(self, ended: PracticeSession) -> Summary:
        """Returns the figures with one of the started sessions ended."""
        if ended.state is not State.COMPLETED:
            return self
        return Summary(self.started, self.completed + 1, self.completed_seconds + ended.elapsed_seconds)

    @property
    def average_seconds(self) -> int:
        """The mean time of a completed session in whole seconds, 0 without one."""
        return round(self.completed_seconds / self.completed) if self.completed else 0

    @property
    def completion_percentage(self) -> float:
        """Completed over started sessions in percent, one decimal, 0 without one."""
        return round(100 * self.completed / self.started, 1) if self.started else 0.0


class Sessions(Protocol):
    """The sessions of a unit of work."""

    async def add(self, session: PracticeSession) -> PracticeSession | None:
        """Stores a new session and returns it numbered; None when its open slot is taken."""

    async def lock(self, user_id: int, ref: SessionRef) -> PracticeSession:
        """Returns a session, locked until the commit. Raises SessionNotFoundError."""

    async def lock_open(self, user_id: int, open_slot: str) -> PracticeSession | None:
        """Returns the session that holds an open slot, locked, if there is one."""

    async def save(self, change: Change, *versions: PracticeSession) -> None:
        """Stores the last of a session's consecutive new versions; each becomes a journal entry."""

    async def add_items(self, session: PracticeSession, items: Sequence[SessionItem]) -> None:
        """Stores the items picked for a new session."""

    async def items(self, session: PracticeSession, items: Iterable[str]) -> Mapping[str, SessionItem]:
        """Returns those of the session's picked items that are named."""

    async def update_items(self, session: PracticeSession, items: Sequence[SessionItem]) -> None:
        """Stores how picked items went."""

    async def next_item(self, session: PracticeSession) -> SessionItem | None:
        """Returns the first picked item without an answer, if there is one."""

    async def answers(
        self, session: PracticeSession, answer_ids: Iterable[str]
    ) -> Mapping[str, RecordedAnswer]:
        """Returns the answers on record under these ids."""

    async def add_answers(
        self, session: PracticeSession, answers: Sequence[RecordedAnswer], at: datetime
    ) -> None:
        """Stores new answers, numbered up to the session's count."""

    async def summary(self, user_id: int, product: str) -> Summary:
        """Returns the figures over a user's sessions of a product, this transaction's changes included."""

    async def open_count(self, user_id: int) -> int:
        """Returns how many open sessions a user has."""

    async def conversation_bytes(self, user_id: int) -> int:
        """Returns how much the conversations of a user's sessions take together."""

    async def put_draft(self, session: PracticeSession, content: str) -> None:
        """Stores the session's draft in place of the one before."""

    async def add_message(self, session: PracticeSession, message: Message) -> None:
        """Stores a line of the conversation."""

    async def draft(self, session: PracticeSession) -> str | None:
        """Returns the draft's content, if there is one."""

    async def messages(self, session: PracticeSession) -> Sequence[Message]:
        """Returns the conversation, oldest first."""
