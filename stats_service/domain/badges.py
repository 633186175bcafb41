"""Badges: data that says what earns them, and the completion that did.

A definition changes by a new version. The rules that follow, each a function
of facts and versions alone:

- A badge is earned by the first completion, in canonical order, at which its
  metric reaches its threshold, and it is earned once.
- The newest version applies to every completion there is: who met it already
  has it, from the day they met it.
- A replaced version applies to completions that ended before it was replaced,
  also to those that are told late. So a badge that was given is never taken
  back by a change, however hard the new version is.
- When several versions are met, the oldest gives the badge: an easier version
  does not move the day on which somebody earned it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stats_service.domain.completion import Completion
from stats_service.domain.standing import Standing

# None of these ever shrinks as facts are added, which the rules above rely on.
METRICS: Mapping[str, Callable[[Standing], int]] = {
    "sessions": lambda standing: standing.tally.session_count,
    "seconds": lambda standing: standing.tally.elapsed_seconds,
    "days": lambda standing: standing.days.count,
    "answers": lambda standing: standing.tally.answer_count,
    "correct_answers": lambda standing: standing.tally.correct_answer_count,
    "best_streak": lambda standing: standing.days.best,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeContent:
    """What an editor says about a badge. `metric` is a key of METRICS."""

    badge_id: str
    name: str
    description: str
    icon: str
    product: str
    metric: str
    threshold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeVersion:
    """One version of what earns a badge; `until` is when it was replaced, None for the newest."""

    badge_id: str
    version: int
    product: str
    metric: str
    threshold: int
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class BadgeBook:
    """Every version of every badge, as of a revision that grows with each change."""

    revision: int = 0
    versions: tuple[BadgeVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class Award:
    """A badge earned: by which version of it, at which session's end."""

    badge_id: str
    version: int
    event_id: UUID
    session_id: int
    award_time: datetime


class Ladder:
    """The versions that a person can still reach, each metric's lowest threshold first."""

    def __init__(self, book: BadgeBook, standings: Mapping[str, Standing]) -> None:
        """Leaves out what the standings have reached already: earned then, or too late even then."""
        rungs: dict[tuple[str, str], list[BadgeVersion]] = defaultdict(list)
        for version in book.versions:
            standing = standings.get(version.product, Standing())
            if METRICS[version.metric](standing) < version.threshold:
                rungs[version.product, version.metric].append(version)
        self._climbs: dict[str, list[_Climb]] = defaultdict(list)
        for (product, metric), versions in rungs.items():
            self._climbs[product].append(_Climb(METRICS[metric], versions))

    def reached(self, product: str, standing: Standing, fact: Completion) -> Iterable[BadgeVersion]:
        """Yields the versions that this fact, now part of the standing, earns."""
        for climb in self._climbs.get(product, ()):
            while climb.rungs and climb.rungs[-1].threshold <= climb.metric(standing):
                version = climb.rungs.pop()
                if version.until is None or fact.end_time < version.until:
                    yield version


class _Climb:
    """One metric and the versions waiting on it, the lowest threshold last."""

    def __init__(self, metric: Callable[[Standing], int], versions: Iterable[BadgeVersion]) -> None:
        self.metric = metric
        self.rungs = sorted(versions, key=lambda version: -version.threshold)
