"""Ids of 24 hex digits: 8 of a record's creation second, 16 of its number.

They read as the ObjectIds that clients of document databases expect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

_SHAPE = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)
_LARGEST_NUMBER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ObjectId:
    """A record's number and the Unix second it was made in."""

    number: int
    second: int

    def names(self, number: int, created_at: datetime) -> bool:
        """Tells whether this is the id of a record."""
        return (self.number, self.second) == (number, int(created_at.timestamp()))


def encode(created_at: datetime, number: int) -> str:
    """Returns a record's id."""
    return f"{int(created_at.timestamp()):08x}{number:016x}"


def decode(text: str) -> ObjectId | None:
    """Returns what an id says, None for a text that is no id of ours."""
    if not _SHAPE.fullmatch(text):
        return None
    number = int(text[8:], 16)
    return ObjectId(number, int(text[:8], 16)) if 0 < number <= _LARGEST_NUMBER else None
