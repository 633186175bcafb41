"""Badges: data that says what earns them, and the completion that did.

A definition changes by a new version. The rules that follow, each a function
of facts and versions alone:

- A badge is earned by the first completion, in canonical order, at which its
  condition holds, and it is earned once.
- A version with a window looks at completions of its days only, and counts
  those only; streaks run on over its borders.
- The newest version applies to every completion there is: who met it already
  has it, from the day they met it.
- A replaced or locked version applies to completions that ended before it was
  replaced, also to those that are told late. So a badge that was given is
  never taken back by a change, however hard the new version is.
- When several versions are met, the oldest gives the badge: an easier version
  does not move the day on which somebody earned it.
- An inactive version is a draft: nobody earns it. A badge that was active is
  locked instead, and becomes active again by one more version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import groupby
from typing import Literal

from stats_service.domain.conditions import Condition, Need, needs_of

State = Literal["inactive", "active", "locked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeContent:
    """What an editor says about a badge.

    `condition` is its text (see conditions.py). `first_day` and `last_day` are
    the window, both included, open where None. A hidden badge is shown to
    those alone who have it. `product` says where it is listed.
    """

    badge_id: str
    name: str
    description: str
    icon: str
    product: str
    condition: str
    first_day: date | None = None
    last_day: date | None = None
    hidden: bool = False
    state: State = "active"

    @property
    def demand(self) -> tuple[object, ...]:
        """What earning it depends on; the rest is only shown."""
        return (self.condition, self.first_day, self.last_day, self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeVersion:
    """One version that can be or could be earned; `until` is when that ended, None when it has not."""

    badge_id: str
    version: int
    condition: Condition
    first_day: date | None = None
    last_day: date | None = None
    until: datetime | None = None


# A version, and what cannot be missing for it (`needs_of`).
Earnable = tuple[BadgeVersion, tuple[Need, ...]]


@dataclass(frozen=True)
class BadgeCatalogue:
    """Every version of every badge that was ever active, as of a revision that grows with each change."""

    revision: int = 0
    versions: tuple[BadgeVersion, ...] = ()

    @cached_property
    def by_badge(self) -> Sequence[tuple[str, Sequence[Earnable]]]:
        """The versions of each badge in their order, badges in that of their ids."""
        in_order = sorted(self.versions, key=lambda each: (each.badge_id, each.version))
        return [
            (badge_id, [(each, needs_of(each.condition.terms)) for each in versions])
            for badge_id, versions in groupby(in_order, key=lambda each: each.badge_id)
        ]
