"""Boards of who practised most over a period, and the names that are shown on them."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from service_kit.visible_text import appearance, is_visible_line
from stats_service.domain.periods import Cadence, Period

State = Literal["open", "closing", "final"]
Metric = Literal["seconds", "sessions"]

_DAY = timedelta(days=1)
_TO_EASTERNMOST = timedelta(hours=14)
_TO_WESTERNMOST = timedelta(hours=12)
_LATEST_TURN = timedelta(hours=23)
# How far the last learner's day is behind UTC.
_BEHIND = _TO_WESTERNMOST + _LATEST_TURN


@dataclass(frozen=True, slots=True)
class Board:
    """One board: of a product, or of `all`, over a period."""

    product: str
    period: Period


@dataclass(frozen=True, slots=True)
class Score:
    """What a learner has in a board. `seconds` is the time practised; `alias` is empty for none chosen."""

    user_id: int
    seconds: int
    sessions: int
    alias: str = ""

    def by(self, metric: Metric) -> int:
        """Returns the number that decides."""
        return self.seconds if metric == "seconds" else self.sessions


def has_begun(period: Period, now: datetime) -> bool:
    """Tells whether it is, or has been, a date of the period anywhere. No day begins before midnight."""
    return period.first <= (now.astimezone(UTC) + _TO_EASTERNMOST).date()


def closes_at(period: Period, grace: timedelta) -> datetime:
    """Returns the instant from which nothing more counts."""
    return datetime.combine(period.last, time(), UTC) + _DAY + _BEHIND + grace


def state_of(period: Period, now: datetime, closed_through: date | None) -> State:
    """Returns the state of a period that has begun.

    Final is what was closed, and not what should have been: until then it
    goes on counting.
    """
    if closed_through is not None and period.last <= closed_through:
        return "final"
    return "open" if _earliest_date(now) <= period.last else "closing"


def last_finished(kind: Cadence, now: datetime, grace: timedelta) -> Period:
    """Returns the newest period whose time to close has come."""
    running = Period.of(kind, _earliest_date(now - grace))
    finished = running.before()
    assert finished is not None, "the calendar began long ago"
    return finished


def next_to_close(finished: Period, practised: date | None) -> Period:
    """Returns the next period to close, which closes those before it too.

    `practised` is the first day with practice that is not closed: before it
    there is nothing to keep.
    """
    if practised is None or practised > finished.last:
        return finished
    return Period.of(finished.kind, practised)


def ranks(values: Sequence[int], *, ahead: int, better: int) -> Sequence[int]:
    """Returns the ranks of consecutive places of a board: 1, 2, 2, 4.

    `values` are in descending order; `ahead` counts everybody before the first
    of them, `better` those of them who have more.
    """
    told: list[int] = []
    for place, value in enumerate(values):
        if place == 0:
            told.append(better + 1)
        elif value == values[place - 1]:
            told.append(told[-1])
        else:
            told.append(ahead + place + 1)
    return told


def _earliest_date(now: datetime) -> date:
    """Returns the date of whoever's day turns last."""
    return (now.astimezone(UTC) - _BEHIND).date()


LONGEST_ALIAS = 40

_ANONYMOUS = re.compile(r"learner ?[0-9a-f]{4}")


def anonymous_alias(user_id: int, key: bytes) -> str:
    """Returns the name of somebody who has not chosen one: always the same under a key.

    Accounts are counted from 1, so anybody could try them all: only the key,
    32 bytes that never leave the service, keeps a name from leading back to one.
    """
    digest = hmac.digest(key, f"leaderboard alias of account {user_id}".encode(), "sha256")
    return f"Learner {digest[:2].hex().upper()}"


def is_alias(text: str) -> bool:
    """Tells whether a text can be a name: 1 to 40 characters in a line, some to see, no spaces around."""
    return 1 <= len(text) <= LONGEST_ALIAS and text == text.strip() and is_visible_line(text)


def is_anonymous_form(text: str) -> bool:
    """Tells whether a name looks like one of somebody who has not chosen any."""
    return _ANONYMOUS.fullmatch(appearance(text)) is not None
