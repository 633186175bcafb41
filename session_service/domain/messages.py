"""Lines of a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a session's or a submission's conversation; `position` counts from 1."""

    position: int
    role: str
    content: str
    created_at: datetime
