"""The states of a session, and the changes that its journal records."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """A session is open while active or paused; the other states are ends and final."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    PARTIAL = "partial"
    ABANDONED = "abandoned"

    @property
    def is_open(self) -> bool:
        """Whether anything can still happen."""
        return self in (State.ACTIVE, State.PAUSED)


# Those that are ends.
ENDED = frozenset(state for state in State if not state.is_open)


class Change(StrEnum):
    """What a session's journal records."""

    STARTED = "started"
    ANSWERED = "answered"
    PAUSED = "paused"
    RESUMED = "resumed"
    DRAFT_SAVED = "draft_saved"
    MESSAGE_ADDED = "message_added"
    NOTED = "noted"
    ENDED = "ended"
