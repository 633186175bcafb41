"""Sessions that ended, as explanations show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

LeftOut = Literal["abandoned", "outcome", "unanswered"]
# How a completed session ended that does not count, in words.
UNANSWERED = "completed without an answer"


@dataclass(frozen=True, slots=True)
class KnownSession:
    """What was told of a session, and when it was received. Instants are UTC."""

    session_id: int
    product: str
    outcome: str
    counts: bool
    start_time: datetime
    end_time: datetime
    time_zone: str
    rollover_hour: int
    local_date: date
    elapsed_seconds: int
    implausible: bool
    synced: bool
    received_at: datetime


def left_out(outcome: str) -> LeftOut:
    """Returns why a session that ended like this, and does not count, is in no total.

    A completed one counts in every product, unless nothing was answered in it.
    """
    if outcome == "completed":
        return "unanswered"
    return "abandoned" if outcome == "abandoned" else "outcome"


def ending(outcome: str) -> str:
    """Returns how a session ended that does not count, in words."""
    return UNANSWERED if outcome == "completed" else outcome
