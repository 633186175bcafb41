"""The fact everything in statistics is made of, and the order facts are read in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

# The product's name under which every product counts together.
ALL_PRODUCTS = "all"

_SECOND = timedelta(seconds=1)

# When a fact happened and, among those of one instant, its id.
Moment = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A session that ended, as the session service told it; it never changes.

    Instants are UTC, `elapsed_seconds` whole seconds as they were told.
    `local_date` is the user's own day, frozen when the session ended: no later
    change of zone or rollover hour reinterprets it. Only facts with `counts`
    change totals, streaks, badges and boards. `synced` ones were made on a
    device and may be from before the sign-up. `local_minute` is the minute of
    the wall clock's day, 0 to 1439, at the end. Two facts are equal when every
    other field is.
    """

    event_id: UUID
    user_id: int
    user_seq: int
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
    answer_count: int
    correct_answer_count: int
    content: str
    mode: str
    synced: bool = False
    # What the fact tells already; a newer zone database may tell it otherwise, so it is no part of the fact.
    local_minute: int = field(compare=False, default=0)

    @property
    def practised_seconds(self) -> int:
        """The time that counts: as told, or what passed from start to end where more was told than that."""
        if not self.implausible:
            return self.elapsed_seconds
        return min(self.elapsed_seconds, max(0, (self.end_time - self.start_time) // _SECOND))

    @property
    def moment(self) -> Moment:
        """The fact's place in the canonical order: by end time, then by event id."""
        return (self.end_time, self.event_id)
