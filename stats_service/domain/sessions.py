"""Sessions that ended, as explanations show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

LeftOut = Literal["abandoned", "outcome"]


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
    received_at: datetime


def left_out(outcome: str) -> LeftOut:
    """Returns why a session that ended like this, and does not count, is in no total."""
    return "abandoned" if outcome == "abandoned" else "outcome"
