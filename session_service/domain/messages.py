"""Messages of conversations, and how large a conversation may be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from session_service.domain.errors import ConversationFullError

# With a document of 1 MiB beside it, well below the 4 MiB that gRPC carries.
MAX_BYTES = 2 * 1024 * 1024
# What is told of a line beside its text: who, when, and the names of both.
_ABOUT_A_LINE = 100


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a session's or a submission's conversation; `position` counts from 1."""

    position: int
    role: str
    content: str
    created_at: datetime


def weigh(content: str) -> int:
    """Returns the most bytes that a line takes as JSON."""
    return len(json.dumps(content, ensure_ascii=False).encode()) + _ABOUT_A_LINE


def add_line(size: int, content: str) -> int:
    """Returns the size of a conversation with one more line, in bytes of JSON.

    A conversation is always told as a whole, so it has to stay small enough
    to be told. Raises ConversationFullError over 2 MiB.
    """
    size += weigh(content)
    if size > MAX_BYTES:
        raise ConversationFullError(MAX_BYTES)
    return size
